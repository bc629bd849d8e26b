"""Pages that one drills down to from a view; Escape returns."""
