"""Calls, turns, notes and what else is kept as rows, and back again.

A row is a snapshot: a tuple in the order of its table's columns, JSON already written, so that
nothing in it changes afterwards. Text is made fit for every database:
PostgreSQL takes no NUL and no driver takes half a surrogate pair, and platforms send both.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping

from voice.store.base import bounded
from voice.types import (
    Action,
    Aside,
    CallId,
    CallRecord,
    ChunkKind,
    Door,
    Effect,
    Ending,
    Json,
    Left,
    Message,
    Note,
    Outcome,
    Reading,
    Rung,
    Timing,
    ToolCall,
    Turn,
    Usage,
    Why,
)

Row = tuple[object, ...]
Stored = Mapping[str, Any] | RowMapping  # a row as it is read: values by the columns' names

MAX_DEPTH = 60  # of a note's payload; deeper is cut, as it would exhaust a stack here or in the database
MAX_KEY_CHARS = 200  # of a claim's key; PostgreSQL indexes no more than 2,700 bytes
REPLACEMENT = "\ufffd"


def call_row(record: CallRecord) -> Row:
    """The row of table `calls`."""
    return (
        storable(record.call_id),
        str(record.door),
        storable(record.agent),
        _maybe(record.caller),
        _utc(record.began_on),
        None if record.ended_on is None else _utc(record.ended_on),
        _maybe(record.ended_reason),
        storable(record.greeting),
        _listed(record.greeting_readings),
    )


def turn_row(call_id: CallId, turn: Turn) -> Row:
    """The row of table `turns`."""
    texts = (call_id, turn.said, turn.key, turn.sent, turn.spoken, turn.heard, turn.filler, turn.route)
    call, said, key, sent, spoken, heard, filler, route = _texts(texts)
    return (
        call,
        turn.position,
        said,
        key,
        _utc(turn.began_on),
        sent,
        spoken,
        heard,
        filler,
        route,
        None if turn.ending is None else str(turn.ending),
        to_json(turn.timing),
        to_json(turn.usage),
        _listed(turn.tools),
        _listed([bounded(rung) for rung in turn.rungs]),
        None if turn.effect is None else to_json(turn.effect),
        _listed(turn.handed),
        _listed(turn.asides),
        _maybe(turn.agent),
        _listed(turn.readings),
    )


def note_row(note: Note, came: int) -> Row:
    """The row of table `notes`."""
    payload = to_json(dict(note.payload))
    return storable(note.call_id), came, storable(note.kind), payload, _utc(note.noted_on)


def learned_row(key: str, value: Json) -> Row:
    """The row of table `learned`."""
    return storable(key), to_json(value), datetime.now(UTC)


def answer_row(key: str, answer: Json) -> Row:
    """The row of table `claims`, once there is an answer."""
    return claim_key(key), datetime.now(UTC), to_json(answer)


def claim_key(key: str) -> str:
    """The key as it is stored. Two keys stay two: what no database takes as it is becomes a hash."""
    if len(key) <= MAX_KEY_CHARS and storable(key) == key:
        return key
    return "sha256:" + hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def call_of(row: Stored) -> CallRecord:
    """The record that a row of `calls` holds."""
    readings = _readings_of(row["greeting_readings"])
    return CallRecord(**{**row, "door": Door(row["door"]), "greeting_readings": readings})


def turn_of(row: Stored) -> Turn:
    """The turn that a row of `turns` holds."""
    values = {name: value for name, value in row.items() if name != "call_id"}
    values["ending"] = None if row["ending"] is None else Ending(row["ending"])
    values["timing"] = _timing_of(row["timing"])
    values["usage"] = Usage(**row["usage"])
    values["tools"] = tuple(_message_of(message) for message in row["tools"])
    values["rungs"] = [_rung_of(rung) for rung in row["rungs"] or ()]
    values["effect"] = None if row["effect"] is None else _effect_of(row["effect"])
    values["handed"] = tuple(ToolCall(**one) for one in row["handed"] or ())
    values["asides"] = tuple(_aside_of(one) for one in row["asides"] or ())
    values["readings"] = _readings_of(row["readings"])
    return Turn(**values)


def note_of(row: Stored) -> Note:
    """The note that a row of `notes` holds."""
    return Note(CallId(row["call_id"]), row["kind"], row["payload"], row["noted_on"])


def to_json(value: object) -> str:
    """JSON that every database takes: NaN is null, NUL and half surrogates are replaced.

    A dataclass becomes an object with its fields.
    """
    try:
        written = orjson.dumps(value).decode()
    except TypeError:  # half a surrogate, a number beyond 64 bits, or too deep
        return orjson.dumps(_fit(value)).decode()
    return orjson.dumps(_fit(value)).decode() if "\\u0000" in written else written


def _listed(values: Sequence[object]) -> str:
    return to_json(values) if values else "[]"


def _texts(texts: Sequence[str | None]) -> Sequence[str | None]:
    """The texts, each as `storable` has it: looked at together, since nearly always all are."""
    together = "".join([text for text in texts if text])
    if together.isascii() and "\0" not in together:
        return texts
    return [_maybe(text) for text in texts]


def storable(text: str) -> str:
    """The text without what databases refuse; nearly always the text itself."""
    if "\0" in text:
        text = text.replace("\0", REPLACEMENT)
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass").decode(errors="replace")
    return text


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _maybe(text: str | None) -> str | None:
    return None if text is None else storable(text)


def _fit(value: object, depth: int = 0) -> object:
    """The same value, as far as JSON and every database can hold it."""
    if depth > MAX_DEPTH:
        return REPLACEMENT
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else hex(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {storable(str(key)): _fit(entry, depth + 1) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_fit(entry, depth + 1) for entry in value]
    return storable(str(value))


def _readings_of(stored: Sequence[Mapping[str, Any]] | None) -> tuple[Reading, ...]:
    return tuple(Reading(**one) for one in stored or ())


def _aside_of(stored: Mapping[str, Any]) -> Aside:
    return Aside(**{**stored, "readings": _readings_of(stored.get("readings"))})


def _timing_of(stored: Mapping[str, Any]) -> Timing:
    left = [Left(one["at_ms"], one["chars"], ChunkKind(one["kind"])) for one in stored.get("left", ())]
    return Timing(**{**stored, "left": left})


def _rung_of(stored: Mapping[str, Any]) -> Rung:
    outcome = None if stored["outcome"] is None else Outcome(stored["outcome"])
    return Rung(
        **{**stored, "why": Why(stored["why"]), "outcome": outcome, "usage": Usage(**stored["usage"])}
    )


def _message_of(stored: Mapping[str, Any]) -> Message:
    wanted = tuple(ToolCall(**one) for one in stored["tool_calls"])
    return Message(stored["role"], stored["text"], wanted, stored["tool_call_id"])


def _effect_of(stored: Mapping[str, Any]) -> Effect:
    return Effect(**{**stored, "action": Action(stored["action"])})
