"""HTTPS and WSS with the operator's certificate."""

from __future__ import annotations

import ssl
from pathlib import Path

HANDSHAKE_TIMEOUT = 10.0  # seconds; as for a request, a client that is slow on purpose must not hold a socket for long


class TlsError(Exception):
    """The certificate or its key cannot be used; the message is one line that says why."""


def server_context(cert: str, key: str) -> ssl.SSLContext | None:
    """The context for a certificate and its key (PEM files), None without them; raises `TlsError`.

    TLS 1.2 and 1.3 with the ciphers that OpenSSL considers good: RFC 9325 asks for no more.
    """
    if not cert:
        return None
    for variable, name in (("TLS_CERT", cert), ("TLS_KEY", key)):
        try:
            Path(name).expanduser().read_bytes()
        except OSError as error:
            raise TlsError(f"{variable}: cannot read {name}: {error.strerror or error}") from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(Path(cert).expanduser(), Path(key).expanduser(), _no_password)
    except (ssl.SSLError, ValueError) as error:
        raise TlsError(f"TLS_CERT {cert}, TLS_KEY {key}: {_reason(error)}") from None
    return context


def _no_password() -> str:
    """OpenSSL would ask on the terminal and wait."""
    raise ValueError("the key is encrypted; give one without a passphrase")


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or ""
    if "MISMATCH" in reason:
        return "the key does not belong to the certificate"
    return "expected PEM files" if isinstance(error, ssl.SSLError) else str(error)
