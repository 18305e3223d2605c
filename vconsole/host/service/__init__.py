"""The unit that runs the supervisor: its text, where it lies, how it comes and goes."""
