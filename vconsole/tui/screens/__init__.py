"""One module per screen; the app imports each at its first visit."""
