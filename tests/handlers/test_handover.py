"""What leaves with a turn's last word, and what is said where it cannot leave."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from handlers.handover import Handover, Parting
from handlers.wire.declared import Declared, declared_in
from handlers.wire.numbers import dialable
from tests.builders import a_turn, an_agent
from voice.agents.agent import Agents
from voice.turn.live import LiveTurn
from voice.types import Action, CallId, Chunk, Effect, Ending, Turn

LINE = "+14155550199"


def said(line: str) -> Chunk:
    return Chunk(line, line)


def a_tool(name: str, required: list[str] | None = None, **properties: object) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required or []}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


def a_handover(*tools: dict[str, Any], **changes: Any) -> Handover:
    agent = an_agent(goodbye="Goodbye.")
    return Handover(
        CallId("c1"), agent, declared_in(list(tools)), line=LINE, **{"leaves_alone": True, **changes}
    )


def wanting(effect: Effect | None, **changes: Any) -> Turn:
    return a_turn(effect=effect, **changes)


def asked_of(parting: Parting) -> list[tuple[str, Any]]:
    return [(one.name, json.loads(one.arguments)) for one in parting.calls]


NAMES: list[tuple[str, Action | None]] = [
    ("endCall", Action.END_CALL),
    ("end_call", Action.END_CALL),
    ("end_call_tool", Action.END_CALL),
    ("End-The-Call", Action.END_CALL),
    ("hangup", Action.END_CALL),
    ("hang_up", Action.END_CALL),
    ("hangUpCall", Action.END_CALL),
    ("transferCall", Action.TRANSFER),
    ("transfer_call_tool", Action.TRANSFER),
    ("transfer", Action.TRANSFER),
    ("forwardCall", Action.TRANSFER),
    ("transferCallToSales", Action.TRANSFER),
    ("dtmf", Action.DTMF),
    ("sendDtmf", Action.DTMF),
    ("press_keypad_digits", Action.DTMF),
    ("voicemail", Action.VOICEMAIL),
    ("leave_voicemail", Action.VOICEMAIL),
    ("handoff_to_billing", Action.HANDOFF),
    ("handoff_tool", Action.HANDOFF),
    ("end_call_survey", None),
    ("forward", None),
    ("transfer_money", None),
    ("check_voicemail", None),
    ("book", None),
]


@pytest.mark.parametrize(("name", "action"), NAMES)
def test_a_name_is_read_for_what_it_means(name: str, action: Action | None) -> None:
    found = declared_in([a_tool(name)])

    assert found.actions == ({action} if action else set())


def test_a_transfer_to_somewhere_is_one_when_it_says_nothing_but_where() -> None:
    of_calls = declared_in([a_tool("transfer_to_sales", destination={"type": "string"})])
    of_money = declared_in([a_tool("transfer_to_account", destination={}, amount={})])

    assert (of_calls.actions, of_money.actions) == ({Action.TRANSFER}, frozenset())


def test_tools_that_were_declared_before_are_read_as_they_were_the_first_time() -> None:
    first, again = (declared_in([a_tool("endCall"), a_tool("press_keys")]) for _ in range(2))
    other = declared_in([a_tool("endCall"), a_tool("find_slot")])

    assert first == again
    assert [tool.spec.name for tool in other.tools] == ["endCall", "find_slot"]


def test_a_tool_that_is_nested_deeper_than_anybody_writes_is_read_all_the_same() -> None:
    deep: object = {}
    for _ in range(500):
        deep = {"properties": deep}

    found = declared_in([a_tool("endCall", reason=deep)])

    assert found.actions == {Action.END_CALL}


OTHERS: list[dict[str, Any]] = [
    a_tool("transfer", amount={}, account={}),
    a_tool("transfer", ["amount", "to"], amount={}, to={}),
    a_tool("close_call", ["ticket_id"], ticket_id={}),
    a_tool("end_call", ticket_id={}, reason={}),
]


@pytest.mark.parametrize("tool", OTHERS)
def test_a_caller_who_asks_for_money_or_a_ticket_is_not_transferred_or_hung_up(tool: dict[str, Any]) -> None:
    found = declared_in([tool])

    assert found.actions == frozenset()
    assert found.platforms(set()) == found.specs != ()


OF_CALLS: list[tuple[dict[str, Any], Action]] = [
    (a_tool("transferCall", ["destination", "customer"], destination={}, customer={}), Action.TRANSFER),
    (a_tool("end_call", ["reason"], reason={}, mood={}), Action.END_CALL),
    (a_tool("hangUp", summary={}), Action.END_CALL),
]


@pytest.mark.parametrize(("tool", "action"), OF_CALLS)
def test_what_else_a_call_tool_wants_to_know_does_not_matter(tool: dict[str, Any], action: Action) -> None:
    assert declared_in([tool]).actions == {action}


ODD: list[object] = [
    None,
    "none",
    7,
    {},
    [None, 7, "x", [], {}],
    [{"function": []}],
    *([{"function": {"name": name}}] for name in (7, "a b", "", "x" * 65)),
]


@pytest.mark.parametrize("tools", ODD)
def test_what_is_no_tool_is_left_out(tools: object) -> None:
    assert declared_in(tools) == Declared()


def test_a_tool_without_a_schema_takes_nothing() -> None:
    found = declared_in(
        [{"type": "function", "function": {"name": "f", "parameters": "none"}}, {"type": "endCall"}]
    )

    assert found.specs[0].parameters == {"type": "object", "properties": {}}
    assert found.actions == {Action.END_CALL}


ELSEWHERE = Effect(Action.TRANSFER)  # the platform decides where
WRITTEN = "+1 (415) 555-0150"
TO_OFFICE = Effect(Action.TRANSFER, "+14155550150", say="One moment.")
USES: list[tuple[dict[str, Any], Effect, Any]] = [
    (a_tool("transferCall", destination={}), TO_OFFICE, {"destination": "+14155550150"}),
    (a_tool("transferCall", phone_number={}), TO_OFFICE, {"phone_number": "+14155550150"}),
    (a_tool("transferCall"), TO_OFFICE, {}),
    (a_tool("transferCall", destination={"enum": [WRITTEN]}), TO_OFFICE, {"destination": WRITTEN}),
    (a_tool("transferCall", destination={"enum": ["+14155550151"]}), TO_OFFICE, None),
    (
        a_tool("transferCall", destination={"enum": ["sip:d@e.com"]}),
        ELSEWHERE,
        {"destination": "sip:d@e.com"},
    ),
    (a_tool("transferCall", destination={"enum": ["a", "b"]}), ELSEWHERE, None),
    (a_tool("transferCall", destination={}), ELSEWHERE, None),
    (a_tool("dtmf", keys={}), Effect(Action.DTMF, digits="1#"), {"keys": "1#"}),
    (a_tool("dtmf"), Effect(Action.DTMF, digits="1#"), {"dtmf": "1#"}),
    (a_tool("voicemail", message={}), Effect(Action.VOICEMAIL, say="Call us."), {"message": "Call us."}),
    (a_tool("handoff_to_billing"), Effect(Action.HANDOFF, "billing"), {}),
    (a_tool("handoff_to_sales"), Effect(Action.HANDOFF, "billing"), None),
    (a_tool("endCall", ["reason"], reason={}), Effect(Action.END_CALL, say="Bye."), {"reason": "Bye."}),
]


@pytest.mark.parametrize(("tool", "effect", "arguments"), USES)
def test_an_effect_takes_the_arguments_that_are_declared(
    tool: dict[str, Any], effect: Effect, arguments: Any
) -> None:
    parting = a_handover(tool).part(wanting(effect), has_spoken=False)

    name = tool["function"]["name"]
    assert asked_of(parting) == ([(name, arguments)] if arguments is not None else [])


def test_what_cannot_be_done_is_taken_back_in_words() -> None:
    agent = a_handover().agent
    nothing_declared = a_handover().part(wanting(TO_OFFICE), has_spoken=True)
    the_line_itself = a_handover(a_tool("transferCall", destination={})).part(
        wanting(Effect(Action.TRANSFER, LINE)), has_spoken=False
    )

    assert nothing_declared == the_line_itself == Parting(said(agent.fallbacks[0]))


def test_a_hang_up_without_a_tool_is_a_goodbye_once() -> None:
    ends = wanting(Effect(Action.END_CALL))

    assert a_handover().part(ends, has_spoken=False) == Parting(said("Goodbye."))
    assert a_handover().part(ends, has_spoken=True) == Parting()


@pytest.mark.parametrize("ending", [Ending.INTERRUPTED, Ending.HUNG_UP])
def test_a_turn_that_was_stopped_hands_nothing_over(ending: Ending) -> None:
    turn = wanting(Effect(Action.END_CALL), ending=ending)

    assert a_handover(a_tool("endCall")).part(turn, has_spoken=False) == Parting()


def test_a_transfer_whose_words_are_out_goes_another_way_where_there_is_one() -> None:
    can = frozenset({Action.TRANSFER})
    handover = a_handover(a_tool("transferCall", destination={}), steer=lambda effect: None, beyond=can)

    assert handover.part(wanting(TO_OFFICE), has_spoken=True) == Parting(past=TO_OFFICE)
    assert handover.part(wanting(TO_OFFICE), has_spoken=False).calls


TO_BILLING = Effect(Action.HANDOFF, "billing")


def test_without_a_handoff_tool_the_call_is_handed_on_past_the_answer_where_that_can_be_done() -> None:
    can = a_handover(steer=lambda effect: None, beyond=frozenset({Action.HANDOFF}))

    assert can.part(wanting(TO_BILLING), has_spoken=True) == Parting(past=TO_BILLING)
    assert can.part(wanting(TO_BILLING), has_spoken=False) == Parting(said("One moment."), past=TO_BILLING)


def test_a_handoff_that_nobody_can_do_is_not_left_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    handover = a_handover()

    with caplog.at_level(logging.WARNING):
        parting = handover.part(wanting(TO_BILLING), has_spoken=True)

    assert parting == Parting(said(handover.agent.fallbacks[0]))
    assert "handoff tool" in caplog.records[0].__dict__["to_do"]


async def test_words_before_one_of_our_own_goes_on_are_not_held_back() -> None:
    billing = an_agent(name="billing", greeting="Billing, hello.")
    live = LiveTurn(wanting(TO_BILLING))
    theirs = a_handover(a_tool("handoff_to_billing"), leaves_alone=True)
    ours = replace(theirs, ours=Agents([billing], "billing"))

    assert await theirs.silences(live)
    assert not await ours.silences(live)


def test_a_transfer_that_leads_nowhere_is_logged_though_there_is_a_control_url(
    caplog: pytest.LogCaptureFixture,
) -> None:
    handover = a_handover(a_tool("transferCall", destination={}), beyond=frozenset(Action))

    with caplog.at_level(logging.WARNING):
        parting = handover.part(wanting(Effect(Action.TRANSFER, LINE)), has_spoken=False)

    assert parting == Parting(said(handover.agent.fallbacks[0]))
    assert [record.message for record in caplog.records] == ["effect.not_possible"]


PHRASES = ("goodbye now", "have a nice day")


@pytest.mark.parametrize(
    ("spoken", "line"),
    [
        ("Take care.", "goodbye now"),
        ("Thanks for calling, goodbye now.", None),
        ("Have a nice day!", None),
        ("", "Goodbye. goodbye now"),
    ],
)
def test_a_call_ends_by_a_phrase_of_the_assistant_where_it_has_no_tool(spoken: str, line: str | None) -> None:
    turn = wanting(Effect(Action.END_CALL), spoken=spoken)

    assert a_handover(phrases=PHRASES).part(turn, has_spoken=bool(spoken)) == Parting(line and said(line))


def test_a_turn_that_says_and_does_nothing_is_heard_all_the_same() -> None:
    handover = a_handover()

    assert handover.part(wanting(None), has_spoken=False) == Parting(said(handover.agent.fallbacks[0]))


NUMBERS: list[tuple[str | None, str | None]] = [
    ("+14155550150", "+14155550150"),
    ("+1 (415) 555-0150", "+14155550150"),
    ("tel:+14155550150", "+14155550150"),
    ("415 555 0150", "+14155550150"),
    ("14155550150", "+14155550150"),
    ("0049 30 901820", "+4930901820"),
    ("+49 30 901820", "+4930901820"),
    ("sip:desk@example.com", "sip:desk@example.com"),
    ("911", None),  # short codes are dialled where the agent's file lists them
    (None, None),
    ("", None),
    ("the office", None),
    ("+15551234567", None),  # no such area
    ("+1415555015", None),
    ("+14151550150", None),
    ("+0123456789", None),
    ("+1234567890123456", None),
    ("sip:desk", None),
    ("+14155550199", None),  # the line
    ("415-555-0199", None),
]


@pytest.mark.parametrize(("written", "dialled"), NUMBERS)
def test_a_number_is_dialled_as_networks_want_it_or_not_at_all(
    written: str | None, dialled: str | None
) -> None:
    assert dialable(written, LINE, near=LINE) == dialled
