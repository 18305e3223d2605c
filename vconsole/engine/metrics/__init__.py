"""From the text of vLLM's `/metrics` to figures."""
