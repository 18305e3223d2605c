"""The machine around the servers: checks, Ollama, systemd, engines."""
