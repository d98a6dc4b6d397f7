"""A stored call as a file: to be read, to be kept whole, or to train a model with."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.builders import a_turn
from voice.store.base import StoredCall
from voice.threads.export import export_call
from voice.types import Aside, CallId, CallRecord, Door, Ending, Message, Note, ToolCall, Turn

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def a_stored_call(*turns: Turn, **changes: object) -> StoredCall:
    record = CallRecord(CallId("c1"), Door.VAPI, "jamie", "+15550100", NOON, greeting="Hello, this is Jamie.")
    for name, value in changes.items():
        setattr(record, name, value)
    return StoredCall(record, turns, [Note(CallId("c1"), "status", {"status": "in-progress"}, NOON)])


def a_turn_after(seconds: float, **changes: object) -> Turn:
    return a_turn(began_on=NOON + timedelta(seconds=seconds), **changes)


def test_a_call_reads_as_a_conversation_with_its_times() -> None:
    call = a_stored_call(
        a_turn_after(4, said="My sink leaks."),
        a_turn_after(65, said="4B.", spoken="It is written down.", filler="One moment."),
        ended_on=NOON + timedelta(seconds=80),
        ended_reason="customer-ended-call",
    )

    assert export_call(call, "text").splitlines() == [
        "Call c1 from +15550100 with jamie (vapi)",
        "began 2026-03-01 12:00:00 UTC",
        "",
        "00:00  agent   Hello, this is Jamie.",
        "00:04  caller  My sink leaks.",
        "       agent   Which unit?",
        "01:05  caller  4B.",
        "       agent   One moment. (filler)",
        "       agent   It is written down.",
        "",
        "ended 2026-03-01 12:01:20 UTC, after 01:20: customer-ended-call",
    ]


def test_what_was_not_heard_is_marked_and_why() -> None:
    cut = a_turn_after(4, spoken="I see. Which unit?", heard="I see.", ending=Ending.INTERRUPTED)

    text = export_call(a_stored_call(cut), "text")

    assert "agent   I see. [not heard: Which unit?]" in text
    assert "(the caller interrupted)" in text
    assert text.endswith("not ended")


def test_a_call_without_a_word_can_be_exported() -> None:
    assert export_call(a_stored_call(greeting="", caller=None), "text").splitlines() == [
        "Call c1 with jamie (vapi)",
        "began 2026-03-01 12:00:00 UTC",
        "",
        "not ended",
    ]


def test_below_the_conversation_stands_what_became_of_its_tools() -> None:
    on = datetime(2026, 3, 1, 12, 0, 5, 250_000, UTC)
    notes = [
        Note(CallId("c1"), "tool", {"id": "0.0", **facts}, on)
        for facts in (
            {"step": "asked", "name": "ticket", "arguments": "{}"},
            {"step": "ran"},
            {"step": "answered", "ok": True, "answer": "Ticket 7 is open."},
        )
    ]
    stored = replace(a_stored_call(), notes=notes)

    assert export_call(stored, "text").splitlines()[-4:-2] == [
        "Tools (UTC):",
        "  ticket (0.0): asked 12:00:05.250, ran 12:00:05.250, answered 12:00:05.250: Ticket 7 is open.",
    ]


def test_json_holds_everything() -> None:
    turn = a_turn_after(4, tools=(Message("assistant", "", (ToolCall("t1", "ticket", "{}"),)),))

    stored = json.loads(export_call(a_stored_call(turn), "json"))

    assert stored["record"]["began_on"] == "2026-03-01T12:00:00+00:00"
    assert stored["turns"][0]["ending"] == "answered"
    assert stored["turns"][0]["tools"][0]["tool_calls"][0]["name"] == "ticket"
    assert stored["notes"][0]["payload"] == {"status": "in-progress"}


def test_chat_is_one_line_of_what_was_said_and_heard() -> None:
    cut = a_turn_after(4, spoken="I see. Which unit?", heard="I see.", ending=Ending.INTERRUPTED)
    asked = Message("assistant", "", (ToolCall("t1", "ticket", '{"unit": "4B"}'),))
    told = Message("tool", "Ticket 7.", tool_call_id="t1")
    used = a_turn_after(9, said="4B.", spoken="It is written down.", tools=(asked, told))

    line = export_call(a_stored_call(cut, used), "chat")

    assert "\n" not in line
    wanted = {"id": "t1", "type": "function", "function": {"name": "ticket", "arguments": '{"unit": "4B"}'}}
    assert json.loads(line)["messages"] == [
        {"role": "assistant", "content": "Hello, this is Jamie."},
        {"role": "user", "content": "My sink leaks."},
        {"role": "assistant", "content": "I see."},
        {"role": "user", "content": "4B."},
        {"role": "assistant", "content": "", "tool_calls": [wanted]},
        {"role": "tool", "content": "Ticket 7.", "tool_call_id": "t1"},
        {"role": "assistant", "content": "It is written down."},
    ]


def test_what_others_said_and_who_went_on_stands_in_the_conversation() -> None:
    first = a_turn_after(4, asides=(Aside("The plumber is on his way.", 11),), agent="jamie")
    alone = a_turn_after(6, said="", spoken="By the way, you are new here.", agent="sam")

    text = export_call(a_stored_call(first, alone), "text")

    assert "       agent   The plumber is on his way. (said by others)" in text.splitlines()
    assert "               (sam goes on)" in text.splitlines()
    assert "00:06  agent   By the way, you are new here." in text.splitlines()
    assert "caller  \n" not in text
