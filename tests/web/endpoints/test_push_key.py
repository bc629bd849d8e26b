"""The key that a page subscribes to Web Push with."""

import base64

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.web.http.test_auth import ADMIN, SECRET, bearer, token_of

PATH = "/api/v1/push/vapid-key"


async def test_there_is_none_where_web_push_is_not_configured(client):
    response = await client.get(PATH)
    assert response.status_code == 404 and "PROVIDER_PUSH_WEB" in response.json()["detail"]


async def test_a_users_token_is_enough(start_pod, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "vapid.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(0o600)
    url = f"webpush://?key={file}&subject=mailto:ops@example.com"
    tokens = {"auth_mode": "token", "admin_token": ADMIN, "jwt_secret": SECRET}
    client = await start_pod(provider_push_web=url, roles="http", **tokens)
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    answer = await client.get(PATH, headers=bearer(token_of()))
    assert answer.json() == {"public_key": base64.urlsafe_b64encode(point).rstrip(b"=").decode()}
    assert (await client.get(PATH)).status_code == 401
