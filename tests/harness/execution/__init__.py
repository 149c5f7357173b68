"""Tests of where work is done: processes, GPU, cluster."""
