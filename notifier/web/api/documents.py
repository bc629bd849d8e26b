"""The served descriptions, described."""

from __future__ import annotations

from typing import Any

from notifier.web.api.route import Answer, Route

ROUTES = (
    Route(
        door="docs",
        method="GET",
        path="/openapi.json",
        name="get_openapi",
        summary="This description (OpenAPI 3.1)",
        answers=(Answer(status=200, description="The document.", body=dict[str, Any], example={"openapi": "3.1.0"}),),
    ),
    Route(
        door="docs",
        method="GET",
        path="/asyncapi.json",
        name="get_asyncapi",
        summary="The messages of the WebSocket (AsyncAPI 3.0)",
        answers=(Answer(status=200, description="The document.", body=dict[str, Any], example={"asyncapi": "3.0.0"}),),
    ),
)
