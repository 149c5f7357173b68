"""Many models on many data sets: declared in a file, checked and planned before anything runs, and resumed where they stopped."""
