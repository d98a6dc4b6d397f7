"""A stored call as a file: to be read, to be kept whole, or to train a model with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Literal

from voice.store.base import StoredCall
from voice.threads.journal import journal, lines
from voice.threads.thread import Thread
from voice.types import CallRecord, Ending, Json, Message, Turn

Form = Literal["text", "json", "chat"]

ENDINGS = {
    None: "the turn never ended",
    Ending.FELL_BACK: "no model answered: a fallback was said",
    Ending.CUT_SHORT: "the reply was cut short",
    Ending.INTERRUPTED: "the caller interrupted",
    Ending.HUNG_UP: "the call ended here",
}  # an answered turn needs no words


def export_call(stored: StoredCall, form: Form) -> str:
    """The call in one of three forms, without a final line break.

    `text` is a conversation to read: times since the call began, what was not heard in brackets; below
    it stands what became of every tool that was asked for.
    `json` is everything that is stored. `chat` is one line, `{"messages": […]}`, as OpenAI's chat
    fine-tuning takes it: what the caller said and heard, without a system message.
    """
    if form == "text":
        return "\n".join(_text(stored))
    if form == "json":
        return json.dumps(asdict(stored), ensure_ascii=False, indent=2, default=_moment)
    messages = [_chat_message(message) for message in _thread(stored).messages(marks_cuts=False)]
    return json.dumps({"messages": messages}, ensure_ascii=False)


def _thread(stored: StoredCall) -> Thread:
    return Thread(stored.record.greeting, [*stored.turns], stored.record.greeting_readings)


def _text(stored: StoredCall) -> Iterator[str]:
    record = stored.record
    caller = f" from {record.caller}" if record.caller else ""
    yield f"Call {record.call_id}{caller} with {record.agent} ({record.door})"
    yield f"began {_shown(record.began_on)}"
    yield ""
    if record.greeting:
        yield _line("00:00", "agent", record.greeting)
    before: str | None = None
    for turn in stored.turns:
        if before and turn.agent and turn.agent != before:
            yield _line("", "", f"({turn.agent} goes on)")
        before = turn.agent or before
        yield from _turn_lines(turn, _clock(turn.began_on - record.began_on))
    if record.greeting or stored.turns:
        yield ""
    if used := lines(journal(stored.notes)):
        yield "Tools (UTC):"
        yield from (f"  {line}" for line in used)
        yield ""
    yield _how_it_ended(record)
    for note in stored.notes:
        if note.kind == "report":
            yield from _report_lines(note.payload)


def _turn_lines(turn: Turn, at: str) -> Iterator[str]:
    if turn.said:  # else the agent spoke of its own accord
        yield _line(at, "caller", turn.said)
    for message in turn.tools:
        for wanted in message.tool_calls:
            yield _line("", "agent", f"(uses {wanted.name} {wanted.arguments})")
        if message.role == "tool":
            yield _line("", "tool", message.text)
    if turn.filler:
        yield _line("", "agent", f"{turn.filler} (filler)")
    if turn.spoken:
        yield _line("" if turn.said else at, "agent", _with_unheard(turn))
    for aside in turn.asides:
        yield _line("", "agent", f"{aside.text} (said by others)")
    if note := ENDINGS.get(turn.ending):
        yield _line("", "", f"({note})")


def _with_unheard(turn: Turn) -> str:
    """What was heard, then in brackets what was not."""
    heard = turn.was_heard
    if not turn.spoken.startswith(heard):  # a platform's own spelling of it
        return f"{heard} [spoken: {turn.spoken}]"
    unheard = turn.spoken[len(heard) :].strip()
    return f"{heard} [not heard: {unheard}]".strip() if unheard else heard


def _how_it_ended(record: CallRecord) -> str:
    if record.ended_on is None:
        return "not ended"
    reason = f": {record.ended_reason}" if record.ended_reason else ""
    return f"ended {_shown(record.ended_on)}, after {_clock(record.ended_on - record.began_on)}{reason}"


def _report_lines(report: Mapping[str, Json]) -> Iterator[str]:
    """What the platform's own report says of the whole call."""
    if words := report.get("ended_in_words"):
        yield f"  {words}"
    if summary := report.get("summary"):
        yield f"  {summary}"
    if (cost := report.get("cost_usd")) is not None:
        yield f"  the platform's cost: ${cost}"


def _line(at: str, who: str, words: str) -> str:
    return f"{at:>5}  {who:<6}  {words}"


def _clock(passed: timedelta) -> str:
    """Minutes and seconds: "02:05". A clock that was set back gives 00:00."""
    minutes, seconds = divmod(max(0, int(passed.total_seconds())), 60)
    return f"{minutes:02}:{seconds:02}"


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _moment(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _chat_message(message: Message) -> dict[str, object]:
    told: dict[str, object] = {"role": message.role, "content": message.text}
    if message.tool_call_id is not None:
        told["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        told["tool_calls"] = [
            {"id": one.id, "type": "function", "function": {"name": one.name, "arguments": one.arguments}}
            for one in message.tool_calls
        ]
    return told
