"""Logs, metrics, and sums over the workers of one machine."""
