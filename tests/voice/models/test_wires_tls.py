"""The wires over TLS: the same answers and the same errors as without, on both event loops."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest

from tests.voice.models.test_http import a_host
from tests.voice.models.test_wires import CHUNKED, HEAD, HOST, Run, certificate_for, chunk, run, says_once
from voice.errors import RouteDown
from voice.models.http import open_http, posting, translated
from voice.models.wire import HIGH_WATER
from voice.models.wires import Wires

__all__ = ["run"]


@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        ([CHUNKED, chunk(b"Which "), chunk(b"unit"), b"0\r\n\r\n"], b"Which unit"),
        ([bytes([one]) for one in HEAD + b"content-length: 10\r\n\r\nWhich unit"], b"Which unit"),
        (
            [HEAD, b"content-length: %d\r\n\r\n" % (4 * HIGH_WATER), b"x" * 4 * HIGH_WATER],
            b"x" * 4 * HIGH_WATER,
        ),
        ([HEAD + b"\r\n", b"Which ", b"unit"], b"Which unit"),
        ([CHUNKED, chunk(b"Which ")], httpx.ReadError),
        ([HEAD, b"content-length: 10\r\n\r\n", b"Which "], httpx.ReadError),
        ([b"HTTP/1.1 200 OK\r\ncontent-"], httpx.RemoteProtocolError),
        ([b"SSH-2.0-OpenSSH_9.7\r\n\r\n"], httpx.RemoteProtocolError),
        ([], httpx.NetworkError),
    ],
)
def test_tls_changes_nothing(
    run: Run, tmp_path: Path, answer: list[bytes], heard: bytes | type[Exception]
) -> None:
    async def test() -> None:
        shows = certificate_for("localhost", tmp_path)
        trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        pieces: list[bytes] = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await says_once(*answer)(reader, writer)
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=shows)
        wires = Wires(trust)
        try:
            found = await wires.post(f"https://localhost:{server.sockets[0].getsockname()[1]}/v1", b"", b"{}")
            await found.each(pieces.append)
            outcome: bytes | type[Exception] = b"".join(pieces)
        except httpx.TransportError as exc:
            outcome = type(exc)
        finally:
            wires.close()
            server.close()

        if isinstance(heard, bytes):
            assert outcome == heard
        else:
            assert isinstance(outcome, type)
            assert issubclass(outcome, heard)

    run(test())


def test_a_host_without_tls_that_is_asked_with_it_is_down(run: Run) -> None:
    async def test() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        async with a_host(talk) as url, open_http() as http:
            with pytest.raises(RouteDown, match="cannot be reached"), translated(HOST):
                async with posting(http, url.replace("http:", "https:"), {}, b""):
                    raise AssertionError("it answered")

    run(test())
