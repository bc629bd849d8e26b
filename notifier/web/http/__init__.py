"""HTTP itself: the protocol, and what every route has in common."""
