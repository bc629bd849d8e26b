"""No token is ever logged: the real program at LOG_LEVEL=debug, given tokens in every way that there is."""

import asyncio
import base64
import json
import signal
import time

import httpx
import jwt
import pytest
import websockets

from tests.cli.runner import Command
from tests.e2e.server import free_port

ADMIN = "the-operators-own-token-4711"
SECRET = "a-secret-of-thirty-two-bytes-0815"
USER = {"sub": "1", "login": "alice"}


class Caller:
    """Calls the server with one token in all ways."""

    def __init__(self, port, token):
        self.port, self.token = port, token

    async def call(self):
        await self._http()
        await self._gotify()
        await self._ntfy()
        await self._socket()
        await self._garbage()

    async def _gotify(self):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}/gotify") as http:
            for place in ({"params": {"token": self.token}}, {"headers": {"X-Gotify-Key": self.token}}):
                await http.post("/message", json={"message": "hi"}, **place)
                await http.post("/message", content=b"{", **place)
                await http.get("/message", **place)
                await http.get("/stream", **place)
                await http.post("/client", data={"name": "phone"}, **place)
            await http.get("/current/user", auth=("alice", self.token))

    async def _ntfy(self):
        basic = base64.b64encode(f"alice:{self.token}".encode()).decode()
        auth = base64.urlsafe_b64encode(f"Bearer {self.token}".encode()).decode().rstrip("=")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as http:
            for place in (
                {"params": {"auth": auth}},
                {"headers": {"Authorization": f"Basic {basic}"}},
                {"headers": {"Authorization": f"Bearer {self.token}"}},
            ):
                await http.post("/ops", content=b"hi", **place)
                await http.put("/ops/s/clear", **place)
                for form in ("auth", "ws", "raw"):
                    more = {"params": place.get("params", {}) | {"poll": "1"}}
                    await http.get(f"/ops/{form}", **(place | more))
            await http.post(f"/a/{self.token}")

    async def _http(self):
        body = {"target": [{"id": 1, "login": "alice"}], "message": "hi"}
        headers = {"Authorization": f"Bearer {self.token}"}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}") as http:
            for path in ("/metrics", "/api/v1/admin/clients", "/api/v1/admin/nothing", "/health", "/", "/ws"):
                await http.get(path, headers=headers)
                await http.get(path, params={"token": self.token})
                await http.delete(path, params={"token": self.token}, headers=headers)
            await http.post("/api/v1/notify", json=body, headers=headers)
            await http.post("/api/v1/notify", json=body, params={"token": self.token})
            await http.post("/api/v1/notify", content=b"{", headers=headers | {"Content-Type": "application/json"})
            await http.post("/api/v1/admin/broadcast", json={"message": "x"}, headers=headers)
            await self._doors(http, headers)

    async def _doors(self, http, headers):
        """The doors whose senders have their key in the address, or as a password."""
        for path in ("alertmanager", "grafana", "github", "cloudevents", "nothing"):
            for name in ("token", "access_token"):
                await http.post(f"/hooks/{path}", params={name: self.token}, json={"alerts": []})
            await http.post(
                f"/hooks/{path}", auth=("any", self.token), content=b"{", headers={"X-GitHub-Event": "push"}
            )
        await http.options("/hooks/cloudevents", params={"token": self.token}, headers={"WebHook-Request-Origin": "x"})
        await http.post(f"/notify/{self.token}", json={"body": "b"})

    async def _socket(self):
        uri = f"ws://127.0.0.1:{self.port}/ws?user_id=1&login=alice"
        for more, options in (
            (f"&token={self.token}", {}),
            ("", {"subprotocols": ["notifier.v1", f"bearer.{self.token}"]}),
            ("", {"additional_headers": {"Authorization": f"Bearer {self.token}"}}),
        ):
            try:
                async with websockets.connect(uri + more, **options) as socket:
                    await socket.send(json.dumps({"type": "sync.request", "data": {"token": self.token}}))
                    await socket.send("{")
                    await socket.recv()
            except websockets.exceptions.InvalidStatus:
                continue

    async def _garbage(self):
        """Bytes that no parser takes, with a token in them."""
        line = f"GET /metrics?token={self.token} HTTP/1.1\r\n"
        for request in (
            line + "broken header\r\n\r\n",
            line + f"X: {'y' * 20_000}\r\n\r\n",
            line.replace("HTTP/1.1", "HTTP/9") + "\r\n",
            line + "Content-Length: x\r\n\r\n",
            line + f"Host: x\r\nAuthorization: Bearer {self.token}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            f"GET /\x01{self.token} HTTP/1.1\r\n\r\n",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(request.encode())
            writer.write_eof()
            await asyncio.wait_for(reader.read(), 10)
            writer.close()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["json", "text"])
async def test_no_token_is_logged(loop, data_dir, form):
    port = free_port()
    settings = {"AUTH_MODE": "token", "ADMIN_TOKEN": ADMIN, "JWT_SECRET": SECRET, "LOG_LEVEL": "debug"}
    arguments = ("serve", "--addr", f"127.0.0.1:{port}", "--data-dir", str(data_dir))
    async with Command(*arguments, LOG_FORMAT=form, **settings) as command:
        while "server.ready" not in await command.complaint():
            pass
        tokens = await made(port)
        for token in tokens:
            await Caller(port, token).call()
        answer = await command.end(signal.SIGTERM)
    said = answer.out + answer.err
    assert answer.code == 0 and "admin.action" in said
    for token in (*tokens, SECRET):
        assert token not in said
        assert token[:12] not in said or token.startswith(("eyJ", "ntf_"))
        assert token[-12:] not in said


async def made(port):
    """Tokens of each kind: good ones, and some that are refused."""
    end = time.time() + 60
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1/admin") as http:
        body, headers = {"name": "shop", "scopes": ["admin"]}, {"Authorization": f"Bearer {ADMIN}"}
        key = (await http.post("/keys", json=body, headers=headers)).json()["key"]
        doors = [
            (await http.post("/keys", json={"name": door, "door": door, "to": ["1-alice"]}, headers=headers)).json()[
                "key"
            ]
            for door in ("hooks", "apprise", "gotify", "ntfy")
        ]
        phone = f"http://127.0.0.1:{port}/api/v1/inbox/tokens?user_id=1&login=alice"
        device = (await http.post(phone, json={"name": "phone"}, headers=headers)).json()["token"]
    users = [
        jwt.encode(USER | {"exp": exp}, secret) for exp, secret in ((end, SECRET), (1, SECRET), (end, SECRET[::-1]))
    ]
    return [*doors, device, ADMIN, key, key[:-1] + ("A" if key[-1] != "A" else "B"), *users, "made-up-and-wrong-4712"]
