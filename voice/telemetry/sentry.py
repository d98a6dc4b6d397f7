"""Tells Sentry of crashes: which error, where in the code, in which call. Nothing else.

An event is made here from the exception's class and places, not by the SDK, whose integrations
collect requests, local variables and breadcrumbs. `only_known` then lets through what is on its
list: whatever a later version of the SDK adds stays here.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any, cast

import sentry_sdk
from sentry_sdk.types import Event as SentryEvent
from sentry_sdk.utils import BadDsn

from voice.errors import SetupError
from voice.events import Bus, Event, TurnCrashed
from voice.telemetry.logs import call_id_var
from voice.telemetry.scrub import chain_of, frames_of, is_ours, without_numbers, without_secrets

FLUSH_S = 2.0  # at close: a Sentry that hangs does not hold up a restart

TAGS = ("route", "error", "way", "door", "position")  # fields of a log line that hold our own names
_KEPT = ("event_id", "timestamp", "level", "logger", "platform", "release", "environment", "sdk")
_FRAME = ("filename", "function", "module", "lineno", "in_app")
_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
# The ids that Twilio, Vapi and our own doors make. Clients of other doors may name a call by a number.
_MADE_ID = re.compile(r"(?:[A-Za-z]{1,12}[-_]?)?[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_MARK = "_told_sentry"

# The SDK's own sender must not report its own failures to itself.
_NOT_REPORTED = ("sentry_sdk", "urllib3")


def set_up_sentry(dsn: str, bus: Bus, *, environment: str | None = None) -> Callable[[], None]:
    """Report crashes from now on. Returns what ends it: it waits up to FLUSH_S for reports under way.

    Reported are turns that crashed, and log lines of level error that carry an exception.
    Raises SetupError for a DSN that is none.
    """
    client = _client(dsn, environment)
    reports = Reports(client)
    bus.subscribe(reports.hear, TurnCrashed)
    root = logging.getLogger()
    root.addHandler(reports)

    def close() -> None:
        root.removeHandler(reports)
        client.close(timeout=FLUSH_S)

    return close


def _client(dsn: str, environment: str | None) -> sentry_sdk.Client:
    try:
        return sentry_sdk.Client(
            dsn=dsn,
            environment=environment,
            release=_release(),
            before_send=only_known,
            default_integrations=False,
            auto_enabling_integrations=False,
            auto_session_tracking=False,
            enable_backpressure_handling=False,
            include_local_variables=False,
            include_source_context=False,
            max_breadcrumbs=0,
            max_request_body_size="never",
            send_client_reports=False,
            shutdown_timeout=FLUSH_S,
            spotlight=False,
        )
    except BadDsn:
        # Not `from`: the SDK's message repeats the DSN.
        raise SetupError("SENTRY_DSN is not a DSN: copy it from Sentry's project settings") from None


def _release() -> str | None:
    try:
        return f"offhook@{version('offhook')}"
    except PackageNotFoundError:
        return None


class Reports(logging.Handler):
    """Hears of crashes on the bus and in the log, and reports each exception once."""

    def __init__(self, client: sentry_sdk.Client) -> None:
        super().__init__(logging.ERROR)
        self._client = client

    def hear(self, event: Event) -> None:
        """Report a turn that crashed, unless its log line did so already."""
        if isinstance(event, TurnCrashed):
            self._report(event.error, "voice.events", "turn.crashed", event.call_id, {})

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] in _NOT_REPORTED or not record.exc_info:
            return
        exc = record.exc_info[1]
        if exc is None:
            return
        # A library's message is a sentence with values in it.
        name = str(record.msg) if is_ours(record.name) else "library.failed"
        try:
            self._report(exc, record.name, name, call_id_var.get(), vars(record))
        except Exception:  # noqa: BLE001 – what reports a failure must not add one; the line itself is logged
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Nothing: the standard way prints the line's fields, which may be a caller's words."""

    def _report(
        self, exc: BaseException, logger: str, name: str, call_id: str | None, fields: Mapping[str, object]
    ) -> None:
        if isinstance(exc, asyncio.CancelledError | KeyboardInterrupt | SystemExit) or hasattr(exc, _MARK):
            return
        with suppress(AttributeError):  # an exception with slots is reported twice
            setattr(exc, _MARK, True)  # one crash is both logged and told on the bus
        tags = {key: str(fields[key]) for key in TAGS if key in fields}
        tags["event"] = name
        if call_id is not None:
            tags["call_id"] = call_id
        event = {"level": "error", "logger": logger, "tags": tags, "exception": {"values": _values(exc)}}
        self._client.capture_event(cast(SentryEvent, event))


def _values(exc: BaseException) -> list[dict[str, Any]]:
    """The chain as Sentry wants it: the first cause first, the exception that was raised last."""
    return [
        {
            "type": type(one).__qualname__,
            "module": type(one).__module__,
            "stacktrace": {
                "frames": [
                    {
                        "filename": frame.file,
                        "function": frame.function,
                        "module": frame.module,
                        "lineno": frame.line,
                        "in_app": is_ours(frame.module),
                    }
                    for frame in frames_of(one)
                ]
            },
        }
        for one in reversed(chain_of(exc))
    ]


def only_known(event: SentryEvent, hint: object = None) -> SentryEvent | None:
    """What may leave: types and places, names of ours, a call's id. No values, headers, variables, extras."""
    found = cast(dict[str, Any], event)
    kept = {key: found[key] for key in _KEPT if key in found}
    values = (found.get("exception") or {}).get("values") or []
    kept["exception"] = {"values": [_known_value(value) for value in values]}
    kept["tags"] = {key: value for key, value in (found.get("tags") or {}).items() if _is_name(key, value)}
    return cast(SentryEvent, kept)


def _known_value(value: Mapping[str, Any]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames") or []
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "stacktrace": {"frames": [{key: frame[key] for key in _FRAME if key in frame} for frame in frames]},
    }


def _is_name(key: str, value: object) -> bool:
    if not isinstance(value, str):
        return False
    if key == "call_id":
        return _MADE_ID.fullmatch(value) is not None
    known = key in {*TAGS, "event"} and _NAME.fullmatch(value) is not None
    return known and value == without_numbers(without_secrets(value), foreign=True)
