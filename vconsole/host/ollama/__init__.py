"""Ollama on this machine: its HTTP API, who runs it, and how it is sent away and brought back."""
