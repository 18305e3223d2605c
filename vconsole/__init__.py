"""vconsole supervises a local vLLM server, from a terminal console or from commands."""

__version__ = "0.1.0"
