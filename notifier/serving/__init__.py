"""Processes: the server, its supervisor, and what they share."""
