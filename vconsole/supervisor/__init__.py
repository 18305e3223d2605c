"""The background process that owns the servers, and the client through which faces reach it."""
