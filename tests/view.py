"""Redis as the tests see it."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff


class View:
    """A client of redis-py, which shares no code with the program's own client. Replies are raw bytes,
    numbers and lists; an error is raised, and mends nothing."""

    def __init__(self, path):
        self._client = Redis(unix_socket_path=path, protocol=2, retry=Retry(NoBackoff(), 0))
        self._client.response_callbacks.clear()

    async def call(self, *command):
        """The reply to a command."""
        return await self._client.execute_command(*command)

    async def call_many(self, commands):
        """The replies to commands, in their order."""
        return [await self.call(*command) for command in commands]

    async def stop(self):
        """Closes the connections."""
        await self._client.aclose()
