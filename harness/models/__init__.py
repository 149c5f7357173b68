"""Models: detector, aligner, embedder, comparator, and their cards."""
