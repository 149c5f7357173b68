"""faceparity.harness: how it is measured: models, templates, comparisons, metrics, uncertainty, evaluation."""
