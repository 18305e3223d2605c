"""vLLM's HTTP interface, from a client's side."""
