"""What is and what was: status, events, the report."""
