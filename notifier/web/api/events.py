"""The stream of events, described."""

from __future__ import annotations

from msgspec import Struct

from notifier.errors import ErrorCode, NotifierError
from notifier.web.api.common import ID, MALFORMED_QUERY, STREAM_ID, TIME, bad_query, text
from notifier.web.api.route import Answer, Route

_SAMPLE = (
    "retry: 1000\n: following\n\nevent: notification.read\n"
    f'data: {{"type":"notification.read","time":"{TIME}","pod_id":"pod-a","user_id":1,"login":"alice",'
    f'"notification_id":"{ID}","stream_id":"{STREAM_ID}"}}\n\n'
)


class EventsQuery(Struct):
    """Which events."""

    types: text(0, 1000, "Types, separated by commas; all where it is empty.") = ""  # type: ignore[valid-type]


ROUTES = (
    Route(
        door="events",
        method="GET",
        path="/api/v1/admin/events",
        name="follow_events",
        summary="Follow what happens on all pods, as server-sent events",
        description="`event:` is the type, `data:` a JSON object with `type`, `time`, `pod_id` and what belongs to the "
        "type. Types: `client.connected`, `client.disconnected`, `notification.stored`, `notification.pushed`, "
        "`notification.read`, `notification.cleared`, `pod.joined`, `pod.left`. A follower that is too slow loses the "
        "oldest, and a comment says how many. The stream does not end by itself.",
        query=EventsQuery,
        answers=(Answer(status=200, description="The stream.", body=str, example=_SAMPLE, media="text/event-stream"),),
        failures=(
            MALFORMED_QUERY,
            bad_query("types", "must be text of at most 1000 characters"),
            NotifierError(ErrorCode.RATE_LIMITED, "too many listeners", retry_after=10.0),
        ),
    ),
)
