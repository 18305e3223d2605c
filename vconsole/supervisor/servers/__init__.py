"""One server: its states, its record, its life, and what may befall it."""
