"""What waits to serve: models asleep in memory, and an engine that has imported everything."""
