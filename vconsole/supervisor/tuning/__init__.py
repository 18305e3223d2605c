"""Flags found by measuring: what is tried, in which order, and what became of it."""
