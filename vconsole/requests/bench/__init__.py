"""Benchmarks that can be believed: one load measured, two compared beyond the noise."""
