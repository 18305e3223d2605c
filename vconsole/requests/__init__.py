"""Requests to an OpenAI-compatible server: a pure library, URL and key in, events out."""
