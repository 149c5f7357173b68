"""A Dask cluster as a place where templates and comparisons are made: `faceparity run --dask ADDRESS`. See README.md beside this file.

Only this package opens connections besides `faceparity fetch`, and only to the address that a user named. Dask is imported when a
cluster is asked for.
"""
