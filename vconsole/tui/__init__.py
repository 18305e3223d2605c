"""The full-screen console. The only place where Textual is imported."""
