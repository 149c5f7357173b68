"""Scenarios that come with the package, one TOML file each: `faceparity scenarios` lists them."""
