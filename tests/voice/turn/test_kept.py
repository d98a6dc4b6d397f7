"""What is kept of a turn: no key that somebody read out, while the live call goes on with its words."""

from __future__ import annotations

from tests.builders import a_brain, a_deadline, a_turn, an_utterance, words_of
from voice.models.scripted import ScriptedClient
from voice.turn.kept import turn_to_keep
from voice.types import Aside, CallId, Door, Message, Reading, Rung, ToolCall, Why

KEY = "sk-hush1abcdefgh"
C1 = CallId("c1")


def test_a_turn_without_keys_is_kept_as_it_is() -> None:
    turn = a_turn(tools=(Message("tool", '{"unit": "4b"}', tool_call_id="c"),), asides=(Aside("Hi.", 40),))

    assert turn_to_keep(turn) is turn


def test_a_key_that_was_read_out_stands_nowhere_in_what_is_kept() -> None:
    asked = ToolCall("c", "open_gate", '{"gate_code": 4711, "unit": "4b"}')
    said = f"My key is {KEY}."
    turn = a_turn(
        said,
        f"{said} Which unit?",
        sent=f"{said} Which unit?",
        heard=said,
        asides=(Aside(f"Operator: {KEY}", len(said)),),
        tools=(Message("assistant", said, (asked,)), Message("tool", '{"pin": "4711"}', tool_call_id="c")),
        handed=(asked,),
        rungs=[Rung("a100", Why.FIRST, 0.0, wrote=said)],
        readings=[Reading(0, 2, "My")],
    )

    kept = turn_to_keep(turn)

    assert "hush" not in repr(kept)
    assert "4711" not in repr(kept)
    assert (kept.said, kept.heard) == ("My key is [secret].", "My key is [secret].")
    assert kept.asides == (Aside("Operator: [secret]", len("My key is [secret].")),)
    assert kept.readings == []
    assert kept.handed[0].arguments == '{"gate_code": "[removed]", "unit": "4b"}'
    assert KEY in turn.said  # the live call's own


async def test_the_model_of_a_live_call_reads_the_words_and_the_store_does_not() -> None:
    model = ScriptedClient(reply=[f"Is it {KEY}?", "Thanks."])

    async with a_brain(model) as brain:
        call = await brain.calls.pick_up(C1, Door.CHAT)
        for words in (f"My key is {KEY}.", "Yes."):
            await words_of(await brain.calls.hear(call, an_utterance(words), a_deadline()))
        await brain.store.committed()
        stored = await brain.store.find(C1)

    assert [one.text for one in model.asked[1].messages[-3:]] == [
        f"My key is {KEY}.",
        f"Is it {KEY}?",
        "Yes.",
    ]
    assert stored is not None
    assert [turn.said for turn in stored.turns] == ["My key is [secret].", "Yes."]
    assert KEY not in repr(stored.turns)
