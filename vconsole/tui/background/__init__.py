"""What is asked off the loop: each in a thread, its answer as a message."""
