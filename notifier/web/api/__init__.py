"""The API as data: a module beside each door says what its routes take and answer.

Nothing here is loaded until the description is asked for. A new route is described in a module of its own, which is
named below; a test compares the list with the routes that the program serves.
"""

from notifier.web.api import (
    admin,
    deliveries,
    dispatch,
    documents,
    events,
    health,
    keys,
    metrics,
    notify,
    sessions,
    socket,
)
from notifier.web.api.route import Route

ROUTES: tuple[Route, ...] = (
    *notify.ROUTES,
    *socket.ROUTES,
    *deliveries.ROUTES,
    *sessions.ROUTES,
    *admin.ROUTES,
    *dispatch.ROUTES,
    *events.ROUTES,
    *keys.ROUTES,
    *health.ROUTES,
    *metrics.ROUTES,
    *documents.ROUTES,
)
