"""The server's log over its life: followed, archived, redacted."""
