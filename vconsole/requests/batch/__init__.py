"""Batches against a running server: checked input, a journal as output, retries, resume."""
