"""The command line of a vLLM: made for ours, read of others."""
