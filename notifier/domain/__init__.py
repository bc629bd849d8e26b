"""Rules without I/O: users, notifications, deliveries, requests, the messages of the WebSocket."""
