"""Clients that other people's tools make of `/openapi.json`: they type-check, and their calls work.

The TypeScript tools come from npm, in the versions named here.
"""

import asyncio
import os
import shutil
import sys

import pytest
from openapi_spec_validator import validate

pytestmark = pytest.mark.slow

TOKEN = "an-admin-token-of-32-characters-x"
GUARDED = {"auth_mode": "token", "admin_token": TOKEN}
TYPESCRIPT = ("openapi-typescript@7.13.0", "typescript@5.9.3")
USE = """
import sys

from made import AuthenticatedClient
from made.api.deliveries import create_delivery, get_delivery
from made.api.inbox import notify
from made.api.operators import list_users
from made.models import Delivery, NotifyAnswer, NotifyRequest, Problem, SmsRequest, SmsRequestChannel, Target, UsersPage

client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2])
told = notify.sync(client=client, body=NotifyRequest(message="hello", target=[Target(id=1, login="alice")]))
assert isinstance(told, NotifyAnswer) and told.results[0].target.login == "alice", told
users = list_users.sync(client=client, limit=10)
assert isinstance(users, UsersPage) and [user.login for user in users.users] == ["alice"], users
sms = SmsRequest(channel=SmsRequestChannel.SMS, recipient="+905551234567", content="hello")
sent = create_delivery.sync(client=client, body=sms, idempotency_key="k")
assert isinstance(sent, Delivery) and sent.channel == "sms", sent
again = get_delivery.sync(client=client, delivery_id=str(sent.id))
assert isinstance(again, Delivery) and again.id == sent.id, again
refused = notify.sync(client=client, body=NotifyRequest(message="", target=[]))
assert isinstance(refused, Problem) and {one.path for one in refused.errors or []} == {"target", "message"}, refused
"""
PROGRAM = """
import type { components, paths } from "./api";

type Body = paths["/api/v1/notify"]["post"]["requestBody"]["content"]["application/json"];
type Told = paths["/api/v1/notify"]["post"]["responses"][202]["content"]["application/json"];
type Sms = components["schemas"]["SmsRequest"];

const body: Body = { message: "hello", target: [{ id: 1, login: "alice" }], source: "shop" };
const sms: Sms = { channel: "sms", recipient: "+905551234567", content: body.message, priority: "high" };
// @ts-expect-error: there is no such channel
const wrong: Sms = { channel: "pigeon", content: "x", priority: "high" };
export const ids = (told: Told): string[] => told.results.map((one) => one.notification_id);
export default [sms, wrong];
"""


async def run(*command, cwd):
    """Runs a command to its end, beside the server in this process."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=os.environ | {"NO_COLOR": "1", "PYTHONUTF8": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, f"{command}: {output.decode()}"


async def save_description(client, folder):
    """The path of the served description."""
    path = folder / "openapi.json"
    path.write_bytes((await client.get("/openapi.json")).content)
    return str(path)


@pytest.mark.parametrize("changes", [{}, GUARDED])
async def test_the_description_is_openapi_3_1(start_pod, changes):
    document = (await (await start_pod(**changes)).get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    validate(document)


async def test_a_client_in_python(start_pod, tmp_path):
    client = await start_pod(**GUARDED)
    document = await save_description(client, tmp_path)
    (tmp_path / "config.yml").write_text("post_hooks: []\n")
    (tmp_path / "use.py").write_text(USE)
    generate = ("generate", "--path", document, "--meta", "none", "--output-path", "made", "--fail-on-warning")
    await run(sys.executable, "-m", "openapi_python_client", *generate, "--config", "config.yml", cwd=tmp_path)
    await run(sys.executable, "-m", "mypy", "--strict", "--config-file", "", "made", "use.py", cwd=tmp_path)
    await run(sys.executable, "use.py", client.make_url("").rstrip("/"), TOKEN, cwd=tmp_path)


async def test_types_for_typescript(client, tmp_path):
    npm = shutil.which("npm")
    assert npm, "the types for TypeScript are made with npm: apt-get install npm"
    document = await save_description(client, tmp_path)
    (tmp_path / "package.json").write_text('{"private": true}')
    (tmp_path / "use.ts").write_text(PROGRAM)
    await run(npm, "install", "--no-fund", "--no-audit", "--ignore-scripts", *TYPESCRIPT, cwd=tmp_path)
    tools = tmp_path / "node_modules" / ".bin"
    await run(str(tools / "openapi-typescript"), document, "--output", "api.ts", cwd=tmp_path)
    await run(str(tools / "tsc"), "--noEmit", "--strict", "--target", "es2022", "use.ts", cwd=tmp_path)
