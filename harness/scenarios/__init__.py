"""One to many: what a watchlist or a search does to each group. Declared in TOML (`declared`), read by `load`, run by `run`."""
