"""Ollama handed over and back: watched, sent away one step at a time, restored by the book."""
