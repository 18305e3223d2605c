"""Another model in place of the running one, or the running one back."""
