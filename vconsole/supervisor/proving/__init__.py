"""Whether leaving Ollama was worth it, on this host: measured claim by claim."""
