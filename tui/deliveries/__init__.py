"""Deliveries, dead letters, providers and queues. No Textual, as in the inbox beside it."""
