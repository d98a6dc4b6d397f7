"""One line per thing that happened: JSON for machines, short lines for a terminal.

Every line has a fixed name (`event`) with fields; the call's id is added from context. What a caller
said, was told or is called stands under keys with the part `pii` and is removed unless it is asked for.
Libraries log sentences with values in them, so only their warnings come through, first line only.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import TextIO

import orjson

from voice.telemetry.scrub import OWN, REMOVED, Scrub, is_ours, is_telling, text_of
from voice.telemetry.together import Together
from voice.types import Json

LIBRARY_EVENT = "library.said"  # the event of every line that is not ours
MAX_LIBRARY_CHARS = 500  # a library's message; what is longer quotes a body
PLAIN_FRAMES = 4  # innermost places of an exception that a terminal shows

# A library's lines below a warning quote what goes through it: SQL parameters, socket frames, bodies.
LIBRARY_LEVEL = logging.WARNING
TALKATIVE = {"uvicorn.error": logging.INFO}  # started, listening, stopped: an operator waits for these
SILENT = ("uvicorn.access", "aiohttp.access")  # paths and query strings hold numbers; events count requests

call_id_var: ContextVar[str | None] = ContextVar("call_id", default=None)

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_FIELDS_FROM = len(vars(logging.makeLogRecord({})))  # a record's own attributes stand before what is told
_FIRST = ("time", "level", "logger", "event")


class about_call:
    """Every line written within, and in tasks begun within, is about this call.

    A class: a generator takes three times as long, and each turn comes here ten times.
    """

    def __init__(self, call_id: str) -> None:
        self._call_id = call_id

    def __enter__(self) -> None:
        self._token = call_id_var.set(self._call_id)

    def __exit__(self, *_: object) -> None:
        # ValueError: a generator closed from another task; its context, and the id in it, are gone.
        with suppress(ValueError):
            call_id_var.reset(self._token)


def set_up_logs(
    level: str | int,
    *,
    keep_pii: bool,
    stream: TextIO | None = None,
    plain: bool = False,
    secrets: Iterable[str | None] = (),
) -> None:
    """Send every log line of this process to `stream` (stderr), as JSON or, `plain`, for a terminal.

    `level` is for our own lines; libraries start at WARNING. `secrets` are blotted out wherever they
    appear. May be called again: the later setting stands.
    """
    scrub = Scrub(keep_pii=keep_pii, secrets=tuple(one for one in secrets if one))
    handler = LineHandler(stream or sys.stderr)
    handler.setFormatter(PlainLines(scrub) if plain else JsonLines(scrub))
    root = logging.getLogger()
    for old in list(root.handlers):
        # Ours of an earlier call, and what basicConfig left; not the handlers of a test or of Sentry.
        if isinstance(old, LineHandler) or type(old) is logging.StreamHandler:
            root.removeHandler(old)
            with suppress(OSError, ValueError):  # its stream is closed
                old.flush()
    root.addHandler(handler)
    root.setLevel(LIBRARY_LEVEL)
    for name in OWN:
        logging.getLogger(name).setLevel(level)
    _tame_libraries()
    logging.captureWarnings(True)
    # Of each line Python would look up its place in the code, thread and process: a third of what it costs.
    logging._srcfile = None  # as its documentation says to
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _tame_libraries() -> None:
    for name in ("uvicorn", *TALKATIVE, *SILENT):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(TALKATIVE.get(name, LIBRARY_LEVEL))
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def write_out() -> None:
    """Write the lines that wait for others: for whoever has a last word on the same stream."""
    for handler in logging.getLogger().handlers:
        with suppress(OSError, ValueError):  # its stream is closed
            handler.flush()


os.register_at_fork(before=write_out)  # or the other process would write the same lines, too


class LineHandler(Together):
    """Writes lines. One that cannot be written is named on stderr, without its fields."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.addFilter(_is_wanted)

    def handleError(self, record: logging.LogRecord) -> None:
        # The standard way prints the message and its arguments, which may be a caller's words.
        kind = sys.exc_info()[0]
        error = kind.__name__ if kind else ""
        with suppress(OSError, ValueError, AttributeError):  # stderr itself is closed
            sys.stderr.write(f'{{"event": "log.failed", "logger": "{record.name}", "error": "{error}"}}\n')


def only_ours(logger: logging.Logger, level: int) -> tuple[LineHandler, JsonLines] | None:
    """Our handler and how it writes, where no other wants a logger's lines of this level; else None.

    Nearly always so: a test's and a user's handlers are the others; Sentry's wants errors only. Who filters
    lines, or adds to their records, as tracers do, wants a record, too.
    """
    if logger.filters or logging.getLogRecordFactory() is not logging.LogRecord:
        return None
    found: tuple[LineHandler, JsonLines] | None = None
    asked: logging.Logger | None = logger
    while asked is not None:
        for handler in asked.handlers:
            if level < handler.level:
                continue
            if found or type(handler) is not LineHandler or type(handler.formatter) is not JsonLines:
                return None
            if handler.filters != [_is_wanted]:
                return None
            found = handler, handler.formatter
        asked = asked.parent if asked.propagate else None
    return found


def _is_wanted(record: logging.LogRecord) -> bool:
    """Libraries that set their own level do not get round ours."""
    return is_ours(record.name) or record.levelno >= TALKATIVE.get(record.name, LIBRARY_LEVEL)


class JsonLines(logging.Formatter):
    """One JSON object per line: time, level, logger, event, call_id, the fields, the exception."""

    def __init__(self, scrub: Scrub) -> None:
        super().__init__()
        self._scrub = scrub

    def format(self, record: logging.LogRecord) -> str:
        return _as_json(fields_of(record, self._scrub))

    def line(self, level: int, logger: str, event: str, call_id: str | None, told: Mapping[str, Json]) -> str:
        """The same line of what is told, without a record: that costs five times as much."""
        scrub = self._scrub
        fields = _first(time.time(), logging.getLevelName(level), logger, scrub.known(event), call_id)
        for key, value in told.items():
            if isinstance(value, str):
                value = scrub.field(key, value) if is_telling(key) else scrub.known(value)
            fields[key] = value
        return _as_json(fields)


class PlainLines(logging.Formatter):
    """Short lines for a terminal: time, level where it matters, event, fields."""

    def __init__(self, scrub: Scrub) -> None:
        super().__init__()
        self._scrub = scrub

    def format(self, record: logging.LogRecord) -> str:
        fields = fields_of(record, self._scrub)
        clock = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()} "
        name = fields.pop("message", "") if fields["event"] == LIBRARY_EVENT else fields["event"]
        exceptions = fields.pop("exception", [])
        shown = [f"{key}={_shown(value)}" for key, value in fields.items() if key not in _FIRST]
        lines = [" ".join([clock, f"{level}{name}", *shown])]
        for one in exceptions if isinstance(exceptions, list) else []:
            lines.extend(_exception_lines(one))
        return "\n".join(lines)


def fields_of(record: logging.LogRecord, scrub: Scrub) -> dict[str, Json]:
    """What a record says, in the order it is written, with nothing in it that must not leave."""
    foreign = not is_ours(record.name)
    event = LIBRARY_EVENT if foreign else scrub.known(record.getMessage())
    fields = _first(record.created, record.levelname, record.name, event, call_id_var.get())
    if foreign:
        fields["message"] = _library_message(record, scrub)
    for key, value in islice(vars(record).items(), _FIELDS_FROM, None):
        if key not in _STANDARD:
            name = f"field.{key}" if key in _FIRST else key
            fields[name] = scrub.field(key, value, foreign=foreign)
    if record.exc_info and (exc := record.exc_info[1]) is not None:
        fields["exception"] = scrub.exception(exc)
    return fields


def _first(created: float, level: str, logger: str, event: str, call_id: str | None) -> dict[str, Json]:
    """What every line begins with."""
    second = int(created)
    fields: dict[str, Json] = {
        "time": f"{_shown_second(second)}.{int((created - second) * 1000):03d}Z",
        "level": level.lower(),
        "logger": logger,
        "event": event,
    }
    if call_id:
        fields["call_id"] = call_id
    return fields


@lru_cache(maxsize=8)  # many lines are of one second, and this is most of what their beginning costs
def _shown_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _as_json(fields: Mapping[str, Json]) -> str:
    try:
        return orjson.dumps(fields).decode()
    except TypeError:
        return json.dumps(fields)  # half a surrogate pair, as platforms cut text; orjson refuses it


def _library_message(record: logging.LogRecord, scrub: Scrub) -> str:
    """A library's sentence: its first line, exceptions among its values by class. The rest may quote."""
    if scrub.keep_pii:
        return scrub.text(record.getMessage(), foreign=True)
    args = record.args
    if isinstance(args, Mapping):
        args = {key: _by_class(value) for key, value in args.items()}
    elif args:
        args = tuple(_by_class(value) for value in args)
    try:
        text = str(record.msg) % args if args else str(record.msg)
    except (TypeError, ValueError):  # the class does not fit its %d
        text = str(record.msg)
    if isinstance(record.msg, BaseException):
        text = type(record.msg).__name__
    if record.exc_info and record.exc_info[1] is not None and (quoted := text_of(record.exc_info[1])):
        text = text.replace(quoted, REMOVED)
    first = text.strip().partition("\n")[0][:MAX_LIBRARY_CHARS]
    return scrub.text(first, foreign=True)


def _by_class(value: object) -> object:
    return type(value).__name__ if isinstance(value, BaseException) else value


def _shown(value: Json) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if text and text.isprintable() and " " not in text else orjson.dumps(value).decode()


def _exception_lines(one: Json) -> Iterator[str]:
    if not isinstance(one, dict):
        return
    message = one.get("message") or one.get("pii.message")
    yield f"    {one['type']}: {message}" if message else f"    {one['type']}"
    frames = one["frames"]
    for place in frames[-PLAIN_FRAMES:] if isinstance(frames, list) else []:
        yield f"      {place}"
