"""A new engine beside the old: tried before it takes over, and the way back."""
