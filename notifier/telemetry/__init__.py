"""Logging set-up, metrics, and their sums over the workers of one machine."""
