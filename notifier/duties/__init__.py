"""Background duties: one per file, all of the shape in `duty.py`."""
