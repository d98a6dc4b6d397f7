"""What an operator reads, and what no log line ever holds."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.builders import a_turn, write_line
from voice.errors import BadRequest, RouteRefused
from voice.events import CallEnded, CallStarted, Event, RouteChanged, TurnClosed, TurnStopped
from voice.telemetry.logs import LIBRARY_EVENT, LineHandler, about_call, only_ours, set_up_logs
from voice.telemetry.scrub import without_numbers, without_secrets
from voice.types import CallId, Door

WORDS = "my sink leaks"
log = logging.getLogger("voice.turn.take")
library = logging.getLogger("somelibrary.client")
LOOKED_UP = ("_srcfile", "logThreads", "logProcesses", "logMultiprocessing")  # by Python, of each line


class Log:
    """The lines that came out so far."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def set_up(self, level: str = "INFO", *, keep_pii: bool = False, **more: Any) -> Log:
        set_up_logs(level, keep_pii=keep_pii, stream=self.stream, **more)
        return self

    @property
    def text(self) -> str:
        for handler in logging.getLogger().handlers:
            handler.flush()
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def line(self) -> dict[str, Any]:
        (line,) = self.lines
        return line


@pytest.fixture
def logs() -> Iterator[Log]:
    """A log of its own; afterwards logging is as it was."""
    root = logging.getLogger()
    names = (
        "voice",
        "handlers",
        "runpod_handler",
        "uvicorn",
        "uvicorn.error",
        "uvicorn.access",
        "aiohttp.access",
    )
    before = {name: logging.getLogger(name).level for name in names}
    root_level, handlers = root.level, list(root.handlers)
    looked_up = {name: getattr(logging, name) for name in LOOKED_UP}
    yield Log()
    vars(logging).update(looked_up)
    logging.captureWarnings(False)
    root.setLevel(root_level)
    root.handlers[:] = handlers
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def crash() -> None:
    raise ValueError(f"cannot parse {WORDS!r}")


def crash_logged(name: str = "turn.crashed", to: logging.Logger = log) -> None:
    try:
        crash()
    except ValueError:
        to.exception(name)


def test_a_line_is_one_json_object_with_its_name_and_fields(logs: Log) -> None:
    logs.set_up()

    log.info("turn.answered", extra={"route": "runpod", "ttft_ms": 412, "hedged": True})

    line = logs.line
    assert line["event"] == "turn.answered"
    assert (line["level"], line["logger"]) == ("info", "voice.turn.take")
    assert (line["route"], line["ttft_ms"], line["hedged"]) == ("runpod", 412, True)
    assert line["time"].endswith("Z")
    assert len(line["time"]) == len("2026-11-21T12:30:40.123Z")


def test_lines_within_a_call_hold_its_id(logs: Log) -> None:
    logs.set_up()

    with about_call("CA1"):
        log.info("inside")
    log.info("outside")

    inside, outside = logs.lines
    assert inside["call_id"] == "CA1"
    assert "call_id" not in outside


async def test_two_calls_at_once_keep_their_ids_apart(logs: Log) -> None:
    logs.set_up()
    both_inside = asyncio.Barrier(2)

    async def take(call_id: str) -> None:
        with about_call(call_id):
            await both_inside.wait()
            log.info("turn.answered", extra={"expected": call_id})

    await asyncio.gather(take("one"), take("two"))

    assert sorted(line["call_id"] for line in logs.lines) == ["one", "two"]
    assert all(line["call_id"] == line["expected"] for line in logs.lines)


@pytest.mark.parametrize(
    "extra",
    [
        {"pii.arguments": WORDS},
        {"pii": WORDS},
        {"caller_pii": WORDS},
        {"tool": {"name": "ticket", "pii.arguments": {"problem": WORDS}}},
        {"tools": [{"pii.said": [WORDS]}]},
        {"thing": object.__new__(type("Thing", (), {"__repr__": lambda _: WORDS}))},
    ],
)
def test_callers_words_are_removed(logs: Log, extra: dict[str, object]) -> None:
    logs.set_up()

    log.warning("tool.failed", extra=extra)

    assert WORDS not in logs.text
    assert logs.line["event"] == "tool.failed"


def test_callers_words_stay_when_they_are_asked_for(logs: Log) -> None:
    logs.set_up(keep_pii=True)

    log.warning("tool.failed", extra={"pii.arguments": {"problem": WORDS}})

    assert logs.line["pii.arguments"] == {"problem": WORDS}


def test_a_crash_names_its_class_and_places_but_not_its_text(logs: Log) -> None:
    logs.set_up()

    crash_logged()

    assert WORDS not in logs.text
    (told,) = logs.line["exception"]
    assert told["type"] == "ValueError"
    assert [place.split(" ")[1] for place in told["frames"]] == ["crash_logged", "crash"]
    assert told["frames"][0].startswith("tests/voice/telemetry/test_logs.py:")


def test_a_crash_has_its_text_when_callers_words_are_asked_for(logs: Log) -> None:
    logs.set_up(keep_pii=True)

    crash_logged()

    assert WORDS in logs.line["exception"][0]["pii.message"]


def test_our_own_errors_keep_their_message_and_causes_their_class(logs: Log) -> None:
    logs.set_up()

    try:
        try:
            crash()
        except ValueError as exc:
            raise RouteRefused("route 'a100' answered 401: check RUNPOD_API_KEY") from exc
    except RouteRefused:
        log.exception("route.crashed")

    raised, cause = logs.line["exception"]
    assert raised["message"] == "route 'a100' answered 401: check RUNPOD_API_KEY"
    assert cause["type"] == "ValueError"
    assert WORDS not in logs.text


def test_a_bad_request_quotes_its_sender_so_its_message_goes(logs: Log) -> None:
    logs.set_up()

    try:
        raise BadRequest(f"no agent is called {WORDS!r}")
    except BadRequest:
        log.exception("request.failed")

    assert WORDS not in logs.text


def test_every_member_of_a_group_is_named(logs: Log) -> None:
    logs.set_up()

    log.error("calls.crashed", exc_info=ExceptionGroup(WORDS, [ValueError(WORDS), KeyError(WORDS)]))

    assert [one["type"] for one in logs.line["exception"]] == ["ExceptionGroup", "ValueError", "KeyError"]
    assert WORDS not in logs.text


def test_a_library_that_logs_comes_out_as_json_without_numbers(logs: Log) -> None:
    logs.set_up()

    library.warning("POST %s?From=%s gave %d", "http://host/Calls", "%2B14155550132", 500)

    assert logs.line["event"] == LIBRARY_EVENT
    assert logs.line["message"] == "POST http://host/Calls?From=[number] gave 500"


def test_a_library_quotes_neither_exceptions_nor_further_lines(logs: Log) -> None:
    logs.set_up()

    library.error("could not read: %s\nbody: %s", ValueError(WORDS), WORDS)
    crash_logged(f"failed: cannot parse {WORDS!r}", to=library)

    assert WORDS not in logs.text
    assert logs.lines[0]["message"] == "could not read: ValueError"


@pytest.mark.parametrize("keep_pii", [True, False])
def test_a_library_says_nothing_below_a_warning(logs: Log, keep_pii: bool) -> None:
    logs.set_up("DEBUG", keep_pii=keep_pii)

    library.info(WORDS)
    logging.getLogger("uvicorn.access").warning("GET /vapi?number=%s", "+14155550132")

    assert logs.text == ""


def test_the_server_says_that_it_has_started(logs: Log) -> None:
    logs.set_up()

    logging.getLogger("uvicorn.error").info("Uvicorn running on http://127.0.0.1:8000")

    assert logs.line["message"] == "Uvicorn running on http://127.0.0.1:8000"


@pytest.mark.parametrize("keep_pii", [True, False])
def test_a_secret_never_comes_out(logs: Log, keep_pii: bool) -> None:
    logs.set_up(keep_pii=keep_pii, secrets=["hunter2", None])

    log.info("a", extra={"where": "http://x/?p=hunter2", "headers": {"Authorization": "abc123"}})
    log.info("b", extra={"api_key": "abc123", "dsn": "https://abc123@sentry"})
    library.warning("sent Authorization: Bearer %s to %s", "abc123", "redis://user:abc123@host/0")

    assert "hunter2" not in logs.text
    assert "abc123" not in logs.text


def test_a_field_cannot_take_the_place_of_the_lines_name(logs: Log) -> None:
    logs.set_up()

    log.error("subscriber.failed", extra={"event": "TurnClosed"})

    assert logs.line["event"] == "subscriber.failed"
    assert logs.line["field.event"] == "TurnClosed"


@pytest.mark.parametrize("odd", ["\ud83d", 2**70, float("nan"), {1: {2: {}}}, b"\xff", {"a", "b"}])
def test_no_value_breaks_a_line(logs: Log, odd: object) -> None:
    logs.set_up()

    log.info("odd", extra={"odd": odd})

    assert logs.line["event"] == "odd"


def test_setting_up_again_replaces_what_was(logs: Log) -> None:
    logs.set_up()
    later = Log().set_up("ERROR")

    log.warning("not.wanted")
    log.error("wanted")

    assert logs.text == ""
    assert later.line["event"] == "wanted"
    assert sum(isinstance(handler, LineHandler) for handler in logging.getLogger().handlers) == 1


def test_a_closed_stream_loses_the_line_and_tells_no_words(
    logs: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up()
    logs.stream.close()

    log.info("turn.answered", extra={"said": WORDS})

    told = capsys.readouterr().err
    assert json.loads(told)["event"] == "log.failed"
    assert WORDS not in told


def test_a_terminal_gets_short_lines(logs: Log) -> None:
    logs.set_up(plain=True)

    with about_call("CA1"):
        log.warning("route.failed", extra={"route": "runpod", "to_do": "Wait a bit.", "pii.said": WORDS})

    clock, said = logs.text.split(" ", 1)
    assert len(clock) == len("12:30:40")
    assert said == 'warning route.failed call_id=CA1 route=runpod to_do="Wait a bit." pii.said=[removed]\n'


def test_a_terminal_shows_where_it_crashed(logs: Log) -> None:
    logs.set_up(plain=True)

    crash_logged()

    first, kind, *places = logs.text.splitlines()
    assert first.endswith("error turn.crashed")
    assert kind.strip() == "ValueError"
    assert places[-1].endswith(" crash")
    assert WORDS not in logs.text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("from +14155550132", "from [number]"),
        ("from (415) 555-0132.", "from [number]."),
        ("To=4155550132&x", "To=[number]&x"),
        ("tel:+49 151 1234567", "tel:[number]"),
        ("listening on 192.168.100.200:8000", "listening on 192.168.100.200:8000"),
        ("at 2026-11-21 12:30:40", "at 2026-11-21 12:30:40"),
        ("job 12345678-1234-4234-8234-123456789012", "job 12345678-1234-4234-8234-123456789012"),
        ("took 0.123456789 s, 200 OK", "took 0.123456789 s, 200 OK"),
    ],
)
def test_numbers_that_can_be_called_are_masked(text: str, masked: str) -> None:
    assert without_numbers(text, foreign=True) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abc.def", "Authorization: Bearer [secret]"),
        ("postgresql://me:pass@host/db", "postgresql://[secret]@host/db"),
        ("GET /x?api_key=abc&y=1", "GET /x?api_key=[secret]&y=1"),
        ("key rpa_ABCDEFGH1234 refused", "key [secret] refused"),
        ("task-force, risk-analysis-report", "task-force, risk-analysis-report"),
    ],
)
def test_what_looks_like_a_secret_is_blotted_out(text: str, masked: str) -> None:
    assert without_secrets(text) == masked


def test_the_gpu_entry_can_log_without_any_web_library() -> None:
    code = (
        "import sys, voice.telemetry.logs;"
        "heavy = {'starlette', 'httpx', 'sentry_sdk', 'prometheus_client', 'pydantic'};"
        "print(sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


EVENTS = [
    CallStarted(CallId("c1"), Door.VAPI, "jamie", True),
    CallEnded(CallId("c1"), Door.CHAT, "the caller at +4930123456 hung up", 3),
    RouteChanged("llm", "broken", "401: check sk-1234567890 in LLM_API_KEY"),
    TurnStopped(CallId("c1"), Door.GATHER, "superseded"),
    TurnClosed(CallId("c1"), Door.VAPI, a_turn(WORDS, "Call +4930123456."), late=True),
    TurnClosed(CallId("\udc00"), Door.VAPI, a_turn(ending=None), late=False),
]


@pytest.mark.parametrize("keep_pii", [True, False])
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_events_line_is_the_same_whether_others_listen_or_not(
    event: Event, keep_pii: bool, logs: Log
) -> None:
    """Where nobody else wants a record of it, none is made."""
    logs.set_up(keep_pii=keep_pii, secrets=["jamie-key"])
    others = logging.getLogger()
    write_line(event)  # pytest's own handlers want it
    others.handlers[:] = [one for one in others.handlers if isinstance(one, LineHandler)]
    write_line(event)

    by_record, by_itself = logs.lines
    assert by_record.pop("time") <= by_itself.pop("time")
    assert list(by_record.items()) == list(by_itself.items())


def test_an_events_line_keeps_its_place_among_the_others(logs: Log) -> None:
    logs.set_up()
    root = logging.getLogger()
    root.handlers[:] = [one for one in root.handlers if isinstance(one, LineHandler)]

    log.info("turn.first")
    write_line(CallStarted(CallId("c1"), Door.VAPI, "jamie"))
    log.info("turn.last")

    assert [line["event"] for line in logs.lines] == ["turn.first", "call.started", "turn.last"]


def test_an_event_below_the_level_has_no_line(logs: Log) -> None:
    logs.set_up("WARNING")
    root = logging.getLogger()
    root.handlers[:] = [one for one in root.handlers if isinstance(one, LineHandler)]

    write_line(CallStarted(CallId("c1"), Door.VAPI, "jamie"))

    assert logs.lines == []


def test_a_handler_for_errors_leaves_the_other_lines_alone(logs: Log) -> None:
    logs.set_up()
    root = logging.getLogger()
    errors = logging.Handler(logging.ERROR)
    root.handlers[:] = [one for one in root.handlers if isinstance(one, LineHandler)] + [errors]

    assert only_ours(log, logging.INFO) is not None
    assert only_ours(log, logging.ERROR) is None


def test_a_process_that_is_forked_writes_no_line_of_its_parent() -> None:
    code = """
import asyncio, logging, os
from voice.telemetry.logs import set_up_logs
async def main():
    log.info("of.parent")
    if child := os.fork():
        os.waitpid(child, 0)
    else:
        log.info("of.child")
set_up_logs("INFO", keep_pii=False)
log = logging.getLogger("voice.brain")
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["of.parent", "of.child"]


def test_who_filters_our_lines_is_asked_about_an_events_line_too(logs: Log) -> None:
    logs.set_up()
    root, events = logging.getLogger(), logging.getLogger("voice.telemetry.event_lines")
    root.handlers[:] = [one for one in root.handlers if isinstance(one, LineHandler)]

    for asked in (events, root.handlers[0]):
        asked.addFilter(_is_no_start)
        write_line(CallStarted(CallId("c1"), Door.VAPI, "jamie"))
        asked.removeFilter(_is_no_start)
    write_line(CallEnded(CallId("c1"), Door.VAPI, "hung up", 1))

    assert [line["event"] for line in logs.lines] == ["call.ended"]


def test_what_a_tracer_adds_to_each_record_stands_in_an_events_line_too(
    logs: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.set_up()
    root = logging.getLogger()
    root.handlers[:] = [one for one in root.handlers if isinstance(one, LineHandler)]
    monkeypatch.setattr(logging, "_logRecordFactory", _traced)

    write_line(CallStarted(CallId("c1"), Door.VAPI, "jamie"))

    assert [line["trace"] for line in logs.lines] == ["t1"]


def _is_no_start(record: logging.LogRecord) -> bool:
    return record.getMessage() != "call.started"


def _traced(*args: Any, **kwargs: Any) -> logging.LogRecord:
    record = logging.LogRecord(*args, **kwargs)
    vars(record)["trace"] = "t1"
    return record
