"""Every server message of Vapi's: known by type, answered in its shape, unable to break a call."""

from __future__ import annotations

import asyncio
import json
import re
import typing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from vapi.types import (
    CallEndedReason,
    ServerMessageResponseAssistantRequest,
    ServerMessageResponseHandoffDestinationRequest,
    ServerMessageResponseTransferDestinationRequest,
)
from vapi.types.server_message_message import ServerMessageMessage

from handlers.vapi.answers import ANSWERS
from handlers.vapi.told import EFFECTS, PASSED_OVER
from handlers.wire.vapi import SERVER_MESSAGES
from handlers.wire.vapi_answers import handoff_answer, tool_result, transfer_answer
from handlers.wire.vapi_ended import in_words
from handlers.wire.vapi_report import our_times, report_of
from handlers.wire.vapi_tools import ToolRequest
from tests.handlers.house import CALL_ID, WIRE, a_house, a_message, in_shape, notes_of
from voice.errors import SetupError
from voice.settings import LineSettings
from voice.threads.export import export_call
from voice.types import Action, Door, Effect, Json, Timing, Turn

PATH = "/vapi/webhook"
MODEL = "/vapi/chat/completions"
LEGACY = ("function-call", "assistant.started", "assistant.speechStarted", "language-changed", "hang")
ASKED = ToolRequest("call_1", "leave", "{}", "call_1")


def types_of_the_sdk() -> set[str]:
    """The `type` of every server message that Vapi's own library knows."""
    found: set[str] = set()
    for model in typing.get_args(ServerMessageMessage):
        kind = model.model_fields["type"].annotation
        for one in (kind, *typing.get_args(kind)):
            found |= {name for name in typing.get_args(one) if isinstance(name, str)}
            found |= {name for name in [one] if isinstance(name, str)}
    return found


def test_every_type_that_vapis_library_knows_is_answered_kept_or_passed_over_on_purpose() -> None:
    known = {*ANSWERS, *EFFECTS, *PASSED_OVER}

    assert len(types_of_the_sdk()) >= 26
    assert types_of_the_sdk() - known == set()
    assert set(LEGACY) - known == set()
    assert known == SERVER_MESSAGES


# Who takes a call


def a_line(**line: object) -> LineSettings:
    return LineSettings.model_validate(line)


async def answered(*lines: LineSettings, **changes: object) -> dict[str, Any]:
    """What an assistant-request is answered, and that Vapi's library can read it."""
    async with a_house(lines=lines, **changes) as house:
        answer = await house.http.post(PATH, json=a_message("assistant_request"))
        in_shape(ServerMessageResponseAssistantRequest, answer)
    found: dict[str, Any] = answer.json()
    return found


async def test_a_line_names_an_assistant_at_vapi_with_its_variables_and_overrides() -> None:
    line = a_line(
        number="+1 (415) 555-0199",
        assistant_id="asst_1",
        variables={"building": "Maple Court"},
        overrides={"maxDurationSeconds": 900},
    )

    assert await answered(line) == {
        "assistantId": "asst_1",
        "assistantOverrides": {"maxDurationSeconds": 900, "variableValues": {"building": "Maple Court"}},
    }


async def test_a_line_may_name_a_squad_a_transfer_or_a_refusal() -> None:
    squad = {"members": [{"assistantId": "asst_1"}]}

    assert await answered(a_line(squad_id="sq_1")) == {"squadId": "sq_1"}
    assert await answered(a_line(squad=squad)) == {"squad": squad}
    assert await answered(a_line(refuse="We are closed.")) == {"error": "We are closed."}
    assert await answered(a_line(transfer="+14155550123", say="One moment.")) == {
        "destination": {"type": "number", "number": "+14155550123", "message": "One moment."}
    }
    assert await answered(a_line(transfer="sip:desk@example.com")) == {
        "destination": {"type": "sip", "sipUri": "sip:desk@example.com"}
    }


async def test_the_first_line_that_fits_number_and_caller_decides() -> None:
    lines = (
        a_line(number="+19999999999", refuse="another number"),
        a_line(caller="+44*", refuse="another country"),
        a_line(number="pn_1", caller="+1 415*", refuse="this one"),
        a_line(refuse="a later one"),
    )

    assert await answered(*lines) == {"error": "this one"}


async def test_where_no_line_fits_our_agent_takes_the_call() -> None:
    assert (await answered(a_line(number="+19999999999", refuse="no")))["assistant"]["name"] == "jamie"


async def test_a_line_that_refuses_begins_no_call_of_ours() -> None:
    async with a_house(lines=(a_line(refuse="We are closed."),)) as house:
        await house.http.post(PATH, json=a_message("assistant_request"))
        live = house.brain.calls.live

    assert live == 0


async def test_a_line_that_names_nobody_stops_the_start() -> None:
    with pytest.raises(SetupError, match="'sam'"):
        async with a_house(lines=(a_line(agent="sam"),)):
            pass


# What tools want done


def test_an_end_of_the_call_that_a_tool_wants_is_said_and_done_by_vapi() -> None:
    found = tool_result(ASKED, Effect(Action.END_CALL, say="Goodbye,\nthen."), ok=True)

    assert "\n" not in found["result"]
    assert found["message"] == {
        "type": "request-complete",
        "role": "assistant",
        "content": "Goodbye, then.",
        "endCallAfterSpokenEnabled": True,
    }


@pytest.mark.parametrize("action", [Action.TRANSFER, Action.DTMF, Action.VOICEMAIL, Action.HANDOFF])
def test_what_no_tool_result_can_say_is_told_to_the_model_as_not_done(action: Action) -> None:
    found = tool_result(ASKED, Effect(action, to="+14155550123"), ok=True)

    assert "result" not in found
    assert "cannot be done" in found["error"]


def test_destinations_have_vapis_shape() -> None:
    moved = ServerMessageResponseTransferDestinationRequest.model_validate(
        transfer_answer("+14155550123", "")
    )
    handed = ServerMessageResponseHandoffDestinationRequest.model_validate(handoff_answer("asst_1", ""))

    assert moved.destination is not None
    assert handed.destination.type == "assistant"


async def test_a_destination_is_what_the_agents_own_tool_says(tmp_path: Path) -> None:
    (tmp_path / "sam.toml").write_text(
        'name = "sam"\npersona = "You are Sam."\ngreeting = "Sam here."\nfallbacks = ["Again?"]\n'
        'tools = ["transfer"]\n[transfer.office]\nnumber = "+14155550123"\nfor = "The office."\n'
    )
    called = a_message("transfer_destination_request")
    itself = a_message("transfer_destination_request")
    itself["message"] |= {"timestamp": 1, "phoneNumber": {"number": "+14155550123"}}

    async with a_house(agents_dir=tmp_path, agent="sam") as house:
        answer = await house.http.post(PATH, json=called)
        refused = await house.http.post(PATH, json=itself)
        handoff = await house.http.post(PATH, json=a_message("handoff_destination_request"))
        inline = await house.http.post(PATH, json=a_message("assistant_request"))

    assert answer.json()["destination"]["number"] == "+14155550123"
    assert refused.json()["error"]
    assert handoff.json()["error"]
    assert [tool["type"] for tool in inline.json()["assistant"]["model"]["tools"]] == ["transferCall"]


async def test_a_report_is_shown_to_operators_with_its_sentence() -> None:
    async with a_house() as house:
        await house.http.post(PATH, json=a_message("status_ringing"))
        await house.http.post(PATH, json=a_message("end_of_call_report"))
        shown = (await house.http.get(f"/admin/calls/{CALL_ID}")).json()
        stored = await house.store.find(CALL_ID)

    [report] = [note["payload"] for note in shown["notes"] if note["kind"] == "report"]
    assert report["ended_in_words"] == "The caller hung up."
    assert stored is not None
    assert "The caller hung up." in export_call(stored, "text")


# The end-of-call report


def test_every_reason_that_vapi_knows_has_a_sentence() -> None:
    reasons = [
        name
        for one in typing.get_args(CallEndedReason)
        if typing.get_origin(one) is typing.Literal
        for name in typing.get_args(one)
    ]

    assert len(reasons) > 500
    assert [reason for reason in reasons if in_words(reason).startswith("Vapi calls")] == []
    assert in_words("pipeline-error-custom-llm-500-server-error").startswith("Our own server broke")
    assert "'of-tomorrow'" in in_words("of-tomorrow")


def test_reports_of_2024_and_of_today_make_the_same_record() -> None:
    old = report_of(a_message("end_of_call_report_2024")["message"])
    new = report_of(a_message("end_of_call_report_measured")["message"])
    differ = {name for name in old if old[name] != new[name]}

    assert differ == {"costs", "success", "latency"}
    assert (old["ended_in_words"], old["duration_s"], old["summary"]) == (
        "The caller hung up.",
        30.0,
        "A leak.",
    )
    assert old["lines"] == [
        {"who": "agent", "words": "Hello.", "at_s": 1.0, "took_s": 1.0},
        {"who": "caller", "words": "My sink leaks.", "at_s": 3.0, "took_s": 2.0},
    ]
    assert old["costs"] == [
        {"for": "transport", "usd": 0.0},
        {"for": "stt", "usd": 0.01},
        {"for": "llm", "usd": 0.04},
        {"for": "tts", "usd": 0.0},
        {"for": "vapi", "usd": 0.0},
    ]
    assert new["costs"] == [
        {"for": "transport", "usd": 0.0, "minutes": 0.5},
        {"for": "transcriber", "usd": 0.01, "minutes": 0.5},
        {"for": "model", "usd": 0.04},
    ]


def test_a_word_of_a_tenth_of_a_second_is_not_told_as_a_minute_and_a_half() -> None:
    found = report_of(a_message("end_of_call_report_outputs")["message"])

    assert found["lines"] == [
        {"who": "agent", "words": "Hello.", "at_s": 1.0, "took_s": 1.0},
        {"who": "caller", "words": "Hm.", "at_s": 3.0, "took_s": 0.09},
    ]


def test_facts_that_come_as_named_outputs_and_costs_of_two_kinds_are_in_the_record() -> None:
    found = report_of(a_message("end_of_call_report_outputs")["message"])

    assert found["facts"] == {"unit": "4b", "urgent": True}
    assert found["summary"] is None
    assert found["costs"] == [
        {"for": "vapi", "usd": 0.02, "kind": "normal", "minutes": 0.5},
        {"for": "vapi", "usd": 0.01, "kind": "overage", "minutes": 0.1},
        {"for": "knowledge-base", "usd": 0.001},
    ]


def test_vapis_times_stand_beside_ours() -> None:
    turns = [Turn(0, "My sink leaks.", "k", timing=Timing(ttft_ms=210.0, ttfc_ms=400.0))]

    found = report_of(a_message("end_of_call_report_measured")["message"], our_times(turns))["latency"]

    assert found == {
        "ours": {
            "turns": [{"turn": 0, "ttft_ms": 210.0, "ttfc_ms": 400.0}],
            "average": {"ttfc_ms": 400.0},
        },
        "theirs": {
            "turns": [
                {
                    "model_ms": 640,
                    "voice_ms": 180.4,
                    "transcriber_ms": 0,
                    "endpointing_ms": 420,
                    "turn_ms": 1240.4,
                }
            ],
            "average": {"model_ms": 640, "turn_ms": 1240.4},
            "caller_interrupted": 1,
            "agent_interrupted": 0,
        },
    }


async def test_our_times_are_in_the_report_though_the_call_has_ended_before() -> None:
    async with a_house() as house:
        call = await house.brain.calls.pick_up(CALL_ID, Door.VAPI)
        call.thread.turns.append(Turn(0, "My sink leaks.", "k", timing=Timing(ttfc_ms=400.0)))
        await house.http.post(PATH, json=a_message("status_ended"))
        await house.http.post(PATH, json=a_message("end_of_call_report"))
        [report] = await notes_of(house, "report")

    assert report["latency"]["ours"]["average"] == {"ttfc_ms": 400.0}


# Whatever comes


def messages_of(path: Path) -> list[dict[str, Any]]:
    """The server messages in one file of examples."""
    found = json.loads(path.read_text(encoding="utf-8"))
    listed = [found.get("message"), found.get("messsage"), *(found.get("messages") or [])]
    return [one for one in listed if isinstance(one, dict) and "type" in one]


MESSAGES = [message for path in sorted(WIRE.glob("*.json")) for message in messages_of(path)]


def test_there_is_an_example_of_every_type_that_vapis_library_knows() -> None:
    assert types_of_the_sdk() - {message["type"] for message in MESSAGES} == set()


def test_every_example_says_when_and_from_where_its_shape_is_and_that_its_values_are_ours() -> None:
    sources = {path.name: str(json.loads(path.read_text())["_source"]) for path in WIRE.glob("*.json")}

    assert [name for name, source in sources.items() if not re.search(r"\b20\d\d|sdk \d", source)] == []
    assert [name for name, source in sources.items() if "values are our own" not in source] == []


odd: some.SearchStrategy[Json] = some.recursive(
    some.none()
    | some.booleans()
    | some.integers(-(2**70), 2**70)
    | some.floats()
    | some.text(max_size=12)
    | some.sampled_from(["ended", "ringing", "ticket", "final", "+1"]),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@some.composite
def mutated(draw: some.DrawFn) -> Any:
    """A message of Vapi's in which some fields are other things, missing, or doubled."""
    found = json.loads(json.dumps(draw(some.sampled_from([*MESSAGES, *[a_message("chat_request")] * 5]))))
    for _ in range(draw(some.integers(1, 4))):
        table = found
        while True:
            key = draw(some.sampled_from(sorted(table)))
            inner = table[key]
            if isinstance(inner, list) and inner and isinstance(inner[0], dict):
                inner = inner[0]
            if not isinstance(inner, dict) or not inner or draw(some.booleans()):
                break
            table = inner
        if draw(some.integers(0, 3)):
            table[key] = draw(odd)
        else:
            del table[key]
        if not found:
            return {"type": "hang"}
    if "messages" in found and "type" not in found:
        return found
    return draw(some.sampled_from([{"message": found}, found, {"message": found, "call": draw(odd)}]))


def may_cost_a_call(path: str, body: Any) -> bool:
    """Whether Vapi may have sent this as a server message, and wants no voice by it."""
    message = body.get("message")
    return path == PATH and isinstance(message, dict) and message.get("type") != "voice-request"


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(bodies=some.lists(some.tuples(some.sampled_from([PATH, MODEL]), mutated()), min_size=1, max_size=4))
def test_mutated_messages_break_no_door_and_leave_no_call_stuck(bodies: list[tuple[str, Any]]) -> None:
    async def run() -> None:
        async with a_house() as house:
            for path, body in bodies:
                answer = await asyncio.wait_for(house.http.post(path, content=json.dumps(body)), 20)
                assert answer.status_code < 500, answer.text
                assert answer.status_code == 200 or not may_cost_a_call(path, body), answer.text
            await house.http.post(PATH, json=a_message("status_ended"))
            assert house.brain.calls.get(CALL_ID) is None
            after = await house.http.post(PATH, json=a_message("endpointing_request"))
            assert after.json() == {"timeoutSeconds": 0.5}

    asyncio.run(run())
