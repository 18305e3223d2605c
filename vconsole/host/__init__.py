"""The machine around the server: its cards, memory and processors."""
