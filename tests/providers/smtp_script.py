"""A mail server that says what a test has written down for it, to the letter."""

import asyncio

TO = "ada@example.com"


class ScriptedSmtp:
    """Answers commands by a table: `answers["MAIL"]` is a reply, or a function of the session that makes one.

    A reply of None ends the connection without a word. `dot` is the answer to the end of a mail. `greeting` may have
    several lines. `mails` holds (sender, recipient, content) with dots unstuffed.
    """

    def __init__(self, **answers):
        self.answers = {"EHLO": "250-peer\r\n250 SIZE 1000000", "greeting": "220 peer", **answers}
        self.mails, self.commands = [], []
        self.sessions = self.open = self.most = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self._tasks = set()
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        self.sessions += 1
        self.open += 1
        self.most = max(self.most, self.open)
        session = {"number": self.sessions, "mails": 0, "open": self.open, "lines": [], "writer": writer}
        try:
            await self._session(session, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()
            self._tasks.discard(asyncio.current_task())

    async def _session(self, session, reader, writer):
        if not await self._say("greeting", session):
            return
        sender = recipient = None
        while line := (await reader.readline()).decode().rstrip("\r\n"):
            self.commands.append(line)
            session["lines"].append(line)
            verb = line.partition(" ")[0].upper()
            sender = line[10:] if verb == "MAIL" else sender
            recipient = line[8:] if verb == "RCPT" else recipient
            if not await self._say(verb, session):
                return
            if verb == "DATA" and session["said"].startswith("354"):
                mail = await reader.readuntil(b"\r\n.\r\n")
                if not await self._say("dot", session):
                    return
                if session["said"].startswith("250"):
                    session["mails"] += 1
                    self.mails.append((sender, recipient, mail[:-3].replace(b"\r\n..", b"\r\n.")))

    async def _say(self, what, session):
        """False when the session is over."""
        usual = {"DATA": "354 go on", "QUIT": "221 bye", "EHLO": "250 peer"}.get(what, "250 OK")
        answer = self.answers.get(what, usual)
        answer = answer(session) if callable(answer) else answer
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer is None:
            return False
        session["said"] = answer
        session["writer"].write(answer.encode() + b"\r\n")
        await session["writer"].drain()
        return not answer.startswith(("421", "221", "554 no service"))


def url_of(peer, tls="starttls", login="", more=""):
    return f"smtp://{login}127.0.0.1:{peer.port}?from=shop@example.com&tls={tls}&ca={peer.ca}{more}"


def plain(peer, tls="none", login="", more=""):
    return f"smtp://{login}127.0.0.1:{peer.port}?from=shop@example.com&tls={tls}{more}"
