"""Use cases: every endpoint calls these and nothing below them."""
