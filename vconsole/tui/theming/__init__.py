"""Themes, from TOML to styles, and the one in use."""
