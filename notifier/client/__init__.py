"""A client of the service: sends notifications, and follows a user's inbox through restarts and lost connections.

`notifier/web/static/notifier-client.js` is its twin for browsers; what both do is listed in `tests/behaviours/`.
"""

from notifier.client.inbox import OwnInbox
from notifier.client.listening import Clock, Listener, backoff
from notifier.client.messages import ClientError, Message
from notifier.client.sending import Client

__all__ = ["Client", "ClientError", "Clock", "Listener", "Message", "OwnInbox", "backoff"]
