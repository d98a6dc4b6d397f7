"""The way out over TLS: the connection goes to a checked address, the certificate is that of the name."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.voice.tools.host import a_host, saying
from voice.tools.http_answer import Answer, Trouble
from voice.tools.web import Web


def both_ends(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A host with a certificate for this name, and a client that trusts it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    written = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "host.pem").write_bytes(certificate + written)
    host = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    host.load_cert_chain(folder / "host.pem")
    return host, ssl.create_default_context(cadata=certificate.decode())


@pytest.mark.parametrize(("name", "is_answered"), [("localhost", True), ("elsewhere.example", False)])
async def test_a_host_must_have_the_certificate_of_its_name(
    tmp_path: Path, name: str, is_answered: bool
) -> None:
    host_tls, our_tls = both_ends(tmp_path, name)
    web = Web(our_tls)

    async with a_host(saying("{}"), host_tls) as host:
        answer = await web.ask("GET", f"https://localhost:{host.port}/a", {}, None, is_private=True)
    await web.close()

    assert answer == (Answer(200, "application/json", b"{}") if is_answered else Trouble.UNREACHED)
    assert [asked.headers["host"] for asked in host.asked] == [f"localhost:{host.port}"] * is_answered


async def test_a_name_that_nobody_has_is_not_reached() -> None:
    web = Web()

    assert await web.ask("GET", "https://nobody.invalid/", {}, None, is_private=False) is Trouble.UNREACHED

    await web.close()


@asynccontextmanager
async def a_black_hole(address: str, port: int) -> AsyncIterator[None]:
    """An address where nobody picks up: the queue of those who wait there is full."""
    with socket.socket() as hole, socket.socket() as first, socket.socket() as second:
        hole.bind((address, port))
        hole.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex((address, port))
        await asyncio.sleep(0)
        yield


async def test_a_host_whose_first_address_is_dead_is_reached_at_its_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with a_host(saying("{}")) as host, a_black_hole("127.0.0.2", host.port):
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, host.port))
            for address in ("127.0.0.2", "127.0.0.1")
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        web = Web(connect_s=0.05)
        answer = await web.ask("GET", f"http://two.example:{host.port}/", {}, None, is_private=True)
        await web.close()

    assert answer == Answer(200, "application/json", b"{}")
