"""Servers: started, stopped, swapped, taken over, followed."""
