"""Kept events: fetched, and chosen."""
