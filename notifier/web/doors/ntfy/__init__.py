"""ntfy's door: `publishing.py` and `account.py` answer, the other modules read and write what ntfy's clients say."""
