"""What Sentry learns of a crash, and what never leaves. Its ingest endpoint is played on loopback."""

from __future__ import annotations

import gzip
import importlib
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from voice.errors import SetupError
from voice.events import Bus, TurnCrashed
from voice.telemetry.logs import about_call
from voice.telemetry.sentry import only_known, set_up_sentry
from voice.types import CallId

WORDS = "my sink leaks"
NUMBER = "+14155550132"
SECRET = "sk-hunter2hunter2"
CALL = CallId("CA0123456789abcdef0123456789abcdef")
log = logging.getLogger("voice.calls")


def unpacked(body: bytes, encoding: str | None) -> str:
    if encoding == "br":  # the SDK prefers it wherever brotli happens to be installed
        return str(importlib.import_module("brotli").decompress(body).decode())
    return (gzip.decompress(body) if encoding == "gzip" else body).decode()


class Ingest:
    """Plays Sentry: takes envelopes and keeps them."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.paths: list[str] = []
        ingest = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                ingest.bodies.append(unpacked(body, self.headers["Content-Encoding"]))
                ingest.paths.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.dsn = f"http://publickey@127.0.0.1:{self._server.server_port}/1"

    @contextmanager
    def opened(self) -> Iterator[Ingest]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of all envelopes: each is a header, an item's header and the item, line by line."""
        return [json.loads(body.splitlines()[2]) for body in self.bodies]

    @property
    def event(self) -> dict[str, Any]:
        (event,) = self.events
        return event


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    with Ingest().opened() as opened:
        yield opened


def crash() -> None:
    heard, caller, key = WORDS, NUMBER, SECRET
    raise ValueError(f"{caller} said {heard!r} to {key}")


def reported(ingest: Ingest, happen: Callable[[Bus], None]) -> None:
    """Let something happen while Sentry is told of crashes; returns when all reports have arrived."""
    bus = Bus()
    close = set_up_sentry(ingest.dsn, bus)
    try:
        happen(bus)
    finally:
        close()


def crash_in_a_turn(bus: Bus) -> None:
    with about_call(CALL):
        try:
            crash()
        except ValueError as exc:
            log.exception(
                "turn.crashed",
                extra={
                    "error": "ValueError",
                    "route": NUMBER,
                    "said": WORDS,
                    "pii.said": WORDS,
                    "key": SECRET,
                },
            )
            bus.publish(TurnCrashed(CALL, exc))


def test_a_crash_is_told_once_with_its_class_and_places(ingest: Ingest) -> None:
    reported(ingest, crash_in_a_turn)

    event = ingest.event
    (told,) = event["exception"]["values"]
    assert told["type"] == "ValueError"
    assert [frame["function"] for frame in told["stacktrace"]["frames"]] == ["crash_in_a_turn", "crash"]
    assert told["stacktrace"]["frames"][-1]["filename"] == "tests/voice/telemetry/test_sentry.py"
    assert event["tags"] == {"error": "ValueError", "event": "turn.crashed", "call_id": CALL}
    assert ingest.paths == ["/api/1/envelope/"]


@pytest.mark.parametrize("private", [WORDS, NUMBER, NUMBER.strip("+"), SECRET, "hunter2"])
def test_no_word_number_or_secret_leaves_with_a_crash(ingest: Ingest, private: str) -> None:
    reported(ingest, crash_in_a_turn)

    assert len(ingest.bodies) == 1
    assert private not in ingest.bodies[0]


def test_a_crash_that_only_the_bus_tells_of_is_reported_too(ingest: Ingest) -> None:
    reported(ingest, lambda bus: bus.publish(TurnCrashed(CALL, ValueError(WORDS))))

    assert ingest.event["tags"]["call_id"] == CALL
    assert WORDS not in ingest.bodies[0]


def test_a_librarys_crash_is_reported_without_its_sentence(ingest: Ingest) -> None:
    def happen(bus: Bus) -> None:
        try:
            crash()
        except ValueError:
            logging.getLogger("asyncio").exception("Task exception: %s", WORDS)

    reported(ingest, happen)

    assert ingest.event["tags"] == {"event": "library.failed"}
    assert WORDS not in ingest.bodies[0]


def test_a_call_that_is_named_by_a_number_stays_unnamed(ingest: Ingest) -> None:
    reported(ingest, lambda bus: bus.publish(TurnCrashed(CallId(NUMBER), ValueError())))

    assert "call_id" not in ingest.event["tags"]


def test_causes_are_told_first(ingest: Ingest) -> None:
    def happen(bus: Bus) -> None:
        try:
            try:
                crash()
            except ValueError as exc:
                raise RuntimeError(WORDS) from exc
        except RuntimeError as exc:
            bus.publish(TurnCrashed(CALL, exc))

    reported(ingest, happen)

    assert [value["type"] for value in ingest.event["exception"]["values"]] == ["ValueError", "RuntimeError"]
    assert WORDS not in ingest.bodies[0]


def test_lines_without_an_exception_are_no_crash(ingest: Ingest) -> None:
    reported(ingest, lambda bus: log.error("turn.not_kept", extra={"pii.said": WORDS}))

    assert ingest.bodies == []


def test_after_the_end_nothing_is_reported(ingest: Ingest) -> None:
    bus = Bus()
    set_up_sentry(ingest.dsn, bus)()

    crash_in_a_turn(bus)

    assert ingest.bodies == []


def test_whatever_else_an_event_holds_stays_here() -> None:
    event: Any = {
        "event_id": "1",
        "server_name": "host",
        "request": {"headers": {"Authorization": SECRET}, "data": WORDS},
        "extra": {"pii.said": WORDS},
        "breadcrumbs": {"values": [{"message": WORDS}]},
        "user": {"id": NUMBER},
        "message": WORDS,
        "exception": {
            "values": [{"type": "E", "value": WORDS, "stacktrace": {"frames": [{"vars": {"x": WORDS}}]}}]
        },
    }

    kept = only_known(event)

    assert kept == {
        "event_id": "1",
        "exception": {"values": [{"type": "E", "module": None, "stacktrace": {"frames": [{}]}}]},
        "tags": {},
    }


def test_a_wrong_dsn_is_a_setup_error_that_does_not_repeat_it() -> None:
    with pytest.raises(SetupError, match="SENTRY_DSN") as caught:
        set_up_sentry("https://nothing-secret", Bus())

    assert "nothing-secret" not in str(caught.value)
