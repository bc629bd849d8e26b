"""HTTP and the upgrade to WebSocket. A handler takes checked values, calls a service, returns a value."""
