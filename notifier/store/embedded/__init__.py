"""The program's own Redis: a private child process on a socket in `DATA_DIR`."""
