"""Operations that change something: a question with what the server says of it, the answer, the deed."""

from __future__ import annotations

from collections.abc import Callable

from tui import humanise
from tui.actions import Action
from tui.client import AdminClient, ApiError
from tui.dialogs.choose import Choose
from tui.dialogs.confirm import Confirm
from tui.messages import ChooseOne, Operate, SendNow
from tui.screens.send import Send
from tui.shell import Shell
from tui.world import World


class Operations:
    """Asks and acts, one operation at a time."""

    def __init__(
        self, app: Shell, client: AdminClient, world: World, refresh: Callable[[], None], tick: Callable[[], None]
    ) -> None:
        """`refresh` fetches what is shown anew; `tick` shows in the first line that a question is under way."""
        self._app = app
        self._client = client
        self._world = world
        self._refresh = refresh
        self._tick = tick

    def operate(self, wish: Operate) -> None:
        """Asks, then does it."""
        self._app.asking = self._app.run_worker(self._operate(wish), group="operate", exclusive=True)
        self._tick()

    def choose(self, wish: ChooseOne) -> None:
        """Has one chosen, then goes on as with any other."""

        def go_on(action: Action | None) -> None:
            if action is not None:
                self.operate(Operate(action, wish.done))

        self._app.push_screen(Choose(wish.heading, wish.choices), go_on)

    def send(self, message: SendNow, view: Send) -> None:
        """Sends; to everybody only after asking."""
        sending = self._app.run_worker(self._send(message, view), group="send", exclusive=True)
        self._app.asking = sending if message.users is None else None

    async def _operate(self, wish: Operate) -> None:
        action = wish.action
        try:
            question = await action.question(self._client)
            if question is None:
                self._app.inform("There is nothing to do")
            elif await self._confirmed(question):
                self._app.inform(await action.perform(self._client))
                if wish.done is not None:
                    wish.done()
                self._refresh()
        except ApiError as error:
            self._app.inform(f"Not done: {error}", bad=True)
        finally:
            self._asked()

    async def _confirmed(self, question: str) -> bool:
        """Asks; keys typed before the question stood there do not answer it."""
        self._asked()
        self._app.typed.forget()
        answer: bool = await self._app.push_screen_wait(Confirm(question))
        return answer

    def _asked(self) -> None:
        self._app.asking = None
        self._tick()

    async def _send(self, message: SendNow, view: Send) -> None:
        try:
            if message.users is not None:
                results = await self._client.notify(message.users, message.content, message.key)
                view.show_sent(results, f"✓ accepted for {humanise.plural(len(results), 'user')}")
            elif await self._confirmed(self._broadcast_question()):
                many = await self._client.broadcast(message.content, message.key)
                view.show_sent([], f"✓ accepted for {humanise.plural(many, 'connected user')}")
            else:
                view.say("not sent", "$foreground-muted")
        except ApiError as error:
            view.say(f"✕ not sent: {error}")

    def _broadcast_question(self) -> str:
        sample = self._world.history.latest
        many = humanise.plural(sample.figures.connections, "connection") if sample else "an unknown number"
        return f"Send to everybody who is connected, {many} now?"
