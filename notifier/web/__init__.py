"""The doors: HTTP and the upgrade to WebSocket. A handler reads, calls a service, answers."""
