"""Cards of data sets, one TOML file each."""
