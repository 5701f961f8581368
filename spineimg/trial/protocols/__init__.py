"""Protocols of trials, as TOML; one is shipped."""
