"""What is kept in SQLite across supervisors: starts, samples, what was served, and events."""
