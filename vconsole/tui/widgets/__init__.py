"""The console's own widgets: rows of coloured text that repaint only the cells that changed."""
