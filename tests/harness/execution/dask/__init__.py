"""Tests of work on a Dask cluster."""
