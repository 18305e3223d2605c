"""Forms as data: fields with their values, and what they ask for."""
