"""Doors: other programs' protocols, one file each; `ways.py` is the table of their paths."""
