"""The supervisor as a service of systemd: what it brings up, what it tells, what is left after."""
