"""The parts that views are made of; none knows another."""
