"""What can be served: the demo models, folders, and named profiles."""
