"""A Dask cluster as a backend: `faceparity run --dask ADDRESS`. See README.md beside this file.

Only this package opens connections besides `faceparity fetch`, and only to the address that a user named. Dask is imported when a
cluster is asked for.
"""
