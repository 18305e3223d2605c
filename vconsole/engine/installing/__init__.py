"""Engines put into environments of their own: planned, fetched, checked."""
