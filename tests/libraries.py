"""A plugin of pytest that is loaded before all others: Sanic is imported for the tests as `notifier serve` imports it."""

from notifier.serving import libraries

libraries.load()
