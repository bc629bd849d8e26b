"""One serving process: its parts, what they count, tell and answer."""
