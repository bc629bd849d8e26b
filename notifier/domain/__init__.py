"""Rules without I/O: who a user is, what a notification is, what the WebSocket messages mean."""
