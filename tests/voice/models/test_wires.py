"""The wires: our own HTTP to model hosts, held to what a library would do, on both event loops."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.voice.models.test_http import Talk, a_host, request_of
from voice.errors import ReplyBroken, RouteDown
from voice.models.http import Host, each, open_http, posting, translated
from voice.models.wire import HIGH_WATER, MAX_EMPTY_BYTES, Answer
from voice.models.wires import Wires, header_lines

HOST = Host("a100-eu")
WAIT_S = 20.0  # a busy machine; everything waited for here takes milliseconds
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
OK = HEAD + b"content-length: 2\r\n\r\nok"

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a test on one of the loops that the product is served on."""

    def on_loop(work: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(asyncio.wait_for(work, WAIT_S))

    return on_loop


def chunk(text: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(text), text)


def says(*pieces: bytes) -> Talk:
    """A host that answers every request on a connection with these bytes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while not reader.at_eof():
            try:
                await request_of(reader)
            except asyncio.IncompleteReadError:
                return
            for piece in pieces:
                writer.write(piece)
                await writer.drain()

    return talk


def says_once(*pieces: bytes) -> Talk:
    """One answer, then it hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return talk


async def heard_from(talk: Talk, times: int = 1) -> list[bytes]:
    """The bodies of as many answers, one after the other."""
    bodies = []
    async with a_host(talk) as url, open_http() as http:
        for _ in range(times):
            heard: list[bytes] = []
            with translated(HOST):
                async with posting(http, url, {}, b"{}") as answer:
                    await each(answer, heard.append)
            bodies.append(b"".join(heard))
    return bodies


@pytest.mark.parametrize(
    "answer",
    [
        [CHUNKED, chunk(b"Which "), chunk(b"unit"), b"0\r\n\r\n"],
        [CHUNKED + chunk(b"Which "), chunk(b"unit") + b"0\r\n\r\n"],
        [CHUNKED, b"5;name=value\r\nWhich\r\n", chunk(b" unit"), b"0\r\nx-usage: 3\r\n\r\n"],
        [HEAD, b"content-length: 10\r\n\r\n", b"Which unit"],
        [b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + b"content-length: 10\r\n\r\nWhich unit"],
        [bytes([one]) for one in HEAD + b"content-length: 10\r\n\r\nWhich unit"],
    ],
)
def test_a_body_is_the_same_however_it_comes_and_its_connection_is_used_again(
    run: Run, answer: list[bytes]
) -> None:
    async def test() -> None:
        connections = 0
        talk = says(*answer)

        async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            await talk(reader, writer)

        assert await heard_from(counted, times=3) == [b"Which unit"] * 3
        assert connections == 1

    run(test())


def test_a_body_of_unknown_length_ends_with_its_connection(run: Run) -> None:
    async def test() -> None:
        assert await heard_from(says_once(HEAD + b"\r\n", b"Which ", b"unit"), times=2) == [b"Which unit"] * 2

    run(test())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ([CHUNKED, chunk(b"Which ")], ReplyBroken),
        ([HEAD, b"content-length: 10\r\n\r\n", b"Which "], ReplyBroken),
        ([CHUNKED, b"not a size\r\n"], ReplyBroken),
        ([b"HTTP/1.1 200 OK\r\ncontent-"], RouteDown),
        ([b"SSH-2.0-OpenSSH_9.7\r\n\r\n"], RouteDown),
        ([b"HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"], RouteDown),
        ([b"HTTP/1.1 200 OK\r\n" + b"x-more: of it\r\n" * (MAX_EMPTY_BYTES // 10)], RouteDown),
    ],
)
def test_what_is_no_whole_answer_is_an_error_of_its_route(
    run: Run, answer: list[bytes], error: type[Exception]
) -> None:
    async def test() -> None:
        with pytest.raises(error):
            await heard_from(says_once(*answer))

    run(test())


def test_a_connection_on_which_more_comes_than_was_asked_for_is_not_used_again(run: Run) -> None:
    async def test() -> None:
        assert await heard_from(says_once(OK + OK), times=2) == [b"ok"] * 2

    run(test())


def test_who_leaves_in_the_middle_hangs_up_and_the_next_question_is_answered(run: Run) -> None:
    async def test() -> None:
        gone = asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await request_of(reader)
            writer.write(CHUNKED + chunk(b"Which "))
            await reader.read()  # until the client has left
            gone.set()

        async with a_host(talk) as url, open_http() as http:
            began = asyncio.Event()

            async def read() -> None:
                async with posting(http, url, {}, b"{}") as answer:
                    await each(answer, lambda _: began.set())

            reading = asyncio.create_task(read())
            await began.wait()
            reading.cancel()
            await gone.wait()

    run(test())


def test_what_a_listener_raises_is_raised_to_who_reads(run: Run) -> None:
    async def test() -> None:
        def refuse(_: bytes) -> None:
            raise ReplyBroken("enough")

        async with a_host(says(CHUNKED, chunk(b"Which "))) as url, open_http() as http:
            with pytest.raises(ReplyBroken, match="enough"):
                async with posting(http, url, {}, b"{}") as answer:
                    await each(answer, refuse)

    run(test())


def test_a_host_that_compresses_though_it_was_told_not_to_is_understood(run: Run) -> None:
    async def test() -> None:
        body = gzip.compress(b"Which unit")
        head = HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)

        assert await heard_from(says(head, body)) == [b"Which unit"]

    run(test())


def test_a_host_waits_for_a_reader_who_takes_their_time(run: Run) -> None:
    async def test() -> None:
        sent, most = 0, 64 * HIGH_WATER

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            await request_of(reader)
            writer.write(HEAD + b"content-length: %d\r\n\r\n" % most)
            while sent < most:
                writer.write(b"x" * HIGH_WATER)
                await writer.drain()
                sent += HIGH_WATER

        async with a_host(talk) as url, open_http() as http, http.stream("POST", url) as answer:
            pieces = answer.aiter_bytes()
            taken = len(await anext(pieces))
            while True:  # as long as the host still gets something rid
                before = sent
                for _ in range(100):
                    await asyncio.sleep(0)
                if sent == before:
                    break
            held_back = most - sent
            async for piece in pieces:
                taken += len(piece)

        assert held_back > 0
        assert taken == most

    run(test())


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\ny", "a\0"])
def test_a_key_cannot_add_a_header(value: str) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        header_lines({"Authorization": f"Bearer {value}"})


def certificate_for(name: str, folder: Path) -> ssl.SSLContext:
    """How a host shows itself with a certificate that it has signed itself, written to `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    shows = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shows.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return shows


@pytest.mark.parametrize(("name", "is_trusted"), [("localhost", True), ("another.host", False)])
def test_a_host_shows_who_it_is(run: Run, tmp_path: Path, name: str, is_trusted: bool) -> None:
    async def test() -> None:
        shows = certificate_for(name, tmp_path)
        trust = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        talk = says(CHUNKED, chunk(b"Which "), chunk(b"unit"), b"0\r\n\r\n")

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await talk(reader, writer)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=shows)
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}/v1"
        wires, heard = Wires(trust), list[bytes]()
        try:
            found: Answer = await wires.post(url, b"", b"{}")
            await found.each(heard.append)
            is_heard = b"".join(heard) == b"Which unit"
        except httpx.ConnectError:
            is_heard = False
        finally:
            wires.close()
            server.close()

        assert is_heard is is_trusted

    run(test())
