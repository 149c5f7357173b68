"""Many models on many data sets, declared in a file, validated and planned before anything runs, and gone on with where it was."""
