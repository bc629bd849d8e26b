"""Deliveries: leased from the queue, tried once through a provider, recorded."""
