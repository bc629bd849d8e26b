"""A delivery on its way: leased from the queue, tried once through a provider, recorded."""
