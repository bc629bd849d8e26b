"""The first look at a server, before the terminal is taken. No Textual."""

from __future__ import annotations

from tui.client import AdminClient, ApiError, Failure


async def probe(client: AdminClient) -> str:
    """Raises `ApiError` where a dashboard would be of no use. Otherwise nothing, or why nobody answers.

    A server that is away for now is worth watching: the dashboard opens offline, and finds it when it comes.
    """
    async with client:
        try:
            await client.pods()
        except ApiError as error:
            return _judged(error, client.place)
    return ""


def _judged(error: ApiError, place: str) -> str:
    match error.failure:
        case Failure.UNAVAILABLE:
            return ""
        case Failure.UNREACHABLE:
            return f"cannot reach {place}: {error}. Is a server running there? Give --url or NOTIFIER_URL"
        case Failure.NOWHERE:
            raise ApiError(error.failure, f"cannot reach {place}: {error}. Give --url or NOTIFIER_URL") from error
        case Failure.NOT_FOUND:
            said = f"{place} answers, but it is no notifier (404). Give --url or NOTIFIER_URL"
            raise ApiError(error.failure, said) from error
        case _:
            raise error
