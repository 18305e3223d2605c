"""The hint under the panels, what its key does, and what is expected of it."""
