"""A self-hosted notification service in one program."""

__version__ = "0.1.0"
