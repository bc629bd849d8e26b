"""Plain commands in place of scripts: whom they serve, what they store and mark, and what follows within a second."""
