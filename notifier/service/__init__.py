"""What the system can do. Every door calls these and nothing below them."""
