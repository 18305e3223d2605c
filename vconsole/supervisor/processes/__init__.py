"""Process trees: whose they are, how they begin and how they end."""
