"""The files that the program brings along."""
