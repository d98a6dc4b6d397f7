"""JSON that a model begins and never ends hides no more than it must, and none of it is heard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.speech.chunk import Chunker
from voice.speech.firewall import heard_of
from voice.speech.nesting import MAX_PLAIN_CHARS, MAX_PLAIN_S

NOTE = '{"note": "'
SENTENCES = "The sink leaks. Your ticket is filed. Somebody will come by soon."


def said(reply: str, size: int = 1, *, every_s: float = 0.0) -> list[str]:
    """What is heard of a reply that comes in pieces, one each `every_s`."""
    chunker, at_s = Chunker(), 100.0
    chunks = []
    for at in range(0, len(reply), size):
        chunks += chunker.feed(reply[at : at + size], at_s)
        at_s += every_s
    return [chunk.text for chunk in [*chunks, *chunker.end()]]


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    "begun",
    [
        '{"name": "ticket", "arguments": {"issue": "leak"}\n\n',  # a bracket is missing
        '{"name": "ticket", "arguments": {"issue": "leak"} ',
        '{"note": "leak.\n\n',  # a quote is missing
        "{'name': 'ticket' ",
        '[ticket(issue="leak" ',
        '{"a": true, "b": null, "c": 4\n',
        '{"name": "ticket", ',
    ],
)
def test_words_where_json_has_no_place_for_them_are_said(begun: str, size: int) -> None:
    assert said(f"One moment. {begun}Your ticket is filed. Bye.", size) == [
        "One moment.",
        "Your ticket is filed.",
        "Bye.",
    ]


def test_words_that_go_on_with_a_sentence_behind_it_are_said() -> None:
    heard = said('I file {"issue": "leak" and then we call you back. Bye.')

    assert " ".join(heard) == "I file and then we call you back. Bye."


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(
    "call",
    [
        '{"name": "ticket", "arguments": {"issue": "The sink leaks. It is in the kitchen, Ava says."}}',
        '{"days": ["Monday to Friday", "Not On Sunday"], "note": "It says (open", "other": "[x"}',
        '{"note": "He said \\"Come in now\\", Then left.", "is_urgent": true, "unit": null}',
        "{note: The sink leaks now, unit: 4}",
        '[{"name": "ticket"}, {"name": "The second one"}]',
        '[ticket(issue="The sink leaks now.", unit=4)]',
        '{\n  "name": "ticket",\n\n  "arguments": {\n    "issue": "leak"\n  }\n}',
    ],
)
def test_a_call_that_is_written_to_its_end_is_not_heard(call: str, size: int) -> None:
    assert said(f"{call}\nYour ticket is filed.", size) == ["Your ticket is filed."]


def test_a_long_text_at_once_is_read_as_one_in_pieces() -> None:
    reply = '{"name": "ticket", Your ticket is filed' + " and so on" * 100 + "."

    assert heard_of(reply) == reply[len('{"name": "ticket", ') :]


def test_what_looks_like_json_for_too_long_is_words_again_from_its_next_sentence_on() -> None:
    long = NOTE + "a long story " * (MAX_PLAIN_CHARS // 12) + "of nothing. "

    assert said(long + SENTENCES, 4) == [
        "The sink leaks.",
        "Your ticket is filed.",
        "Somebody will come by soon.",
    ]


def test_what_takes_too_long_is_words_again_by_the_turns_clock() -> None:
    slow = said(NOTE + SENTENCES, 4, every_s=MAX_PLAIN_S / 4)
    quick = said(NOTE + SENTENCES, 4, every_s=0.01)

    assert slow == ["Your ticket is filed.", "Somebody will come by soon."]
    assert quick == []


@pytest.mark.parametrize("size", [1, 2, 5])
def test_json_that_goes_on_after_all_is_hidden_again(size: int) -> None:
    slow = said(
        f'{NOTE}The sink leaks. Please come soon", "priority": "high"}} It is done.', size, every_s=0.5
    )

    assert slow == ["It is done."]


@given(
    st.lists(
        st.sampled_from(["The sink leaks. ", "Please come ", 'soon", ', '"a": ', "7, ", "{", "}", "]", '"']),
        max_size=12,
    ),
    st.integers(1, 6),
    st.sampled_from([0.0, 0.4]),
)
def test_its_syntax_is_never_heard(parts: list[str], size: int, every_s: float) -> None:
    heard = " ".join(said(NOTE + "".join(parts), size, every_s=every_s))

    assert not set("{}[]") & set(heard)
