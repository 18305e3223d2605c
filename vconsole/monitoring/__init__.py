"""What Prometheus and Grafana need to watch this host: made from the settings, for `export`."""
