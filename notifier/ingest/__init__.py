"""Kafka: the same entrance as over HTTP, another wire."""
