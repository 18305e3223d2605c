"""Requests: one, many, and those that measure."""
