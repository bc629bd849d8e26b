"""The inbox: connections, users, unread notifications, history. No Textual, as in the deliveries beside it."""
