"""Events as they happen, and the report of what happened."""
