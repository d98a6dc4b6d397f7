"""What is written for machines is never heard, wherever it is cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.speech.chunk import Chunker
from voice.speech.firewall import Firewall, heard_of
from voice.speech.held import HOLD_CHARS, HOLD_S
from voice.speech.technical import instructions_in


def heard(reply: str, size: int = 1) -> str:
    firewall = Firewall()
    pieces = [firewall.feed(reply[at : at + size]) for at in range(0, len(reply), size)]
    return "".join([*pieces, firewall.end()])


def said(reply: str, size: int = 3) -> list[str]:
    chunker = Chunker()
    chunks = [chunk for at in range(0, len(reply), size) for chunk in chunker.feed(reply[at : at + size])]
    return [chunk.text for chunk in [*chunks, *chunker.end()]]


MARKED = [
    ("<think>They want a repair.</think>Which unit?", "Which unit?"),
    ("<thinking>Hm.</thinking>Which unit?", "Which unit?"),
    ("<reasoning effort='low'>Hm.</reasoning>Which unit?", "Which unit?"),
    ("[THINK]Hm.[/THINK]Which unit?", "Which unit?"),
    ("◁think▷Hm.◁/think▷Which unit?", "Which unit?"),
    (
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.<|return|>",
        "Yes.",
    ),
    ("<|im_start|>assistant\nWhich unit?<|im_end|>", "Which unit?"),
    ("<|start_header_id|>assistant<|end_header_id|>\n\nYes.<|eot_id|>user", "\n\nYes."),
    ("<s>Which unit?</s>And on", "Which unit?"),
    ("Yes.<|im_end|>\n<|im_start|>user\nMy sink", "Yes."),
    ("Yes.[INST] My sink", "Yes."),
    ("Yes.<｜tool▁calls▁begin｜>ticket", "Yes."),
    ('{"name": "ticket", "note": "a } in quotes"}', ""),
    ('One moment. {"name": "ticket"} Done.', "One moment.  Done."),
    ("[{'name': 'ticket'}] Done.", " Done."),
    ('[ticket(issue="leak. now")] Done.', " Done."),
    ("<tool_call>{}</tool_call>Done.", "Done."),
    ("<function=ticket>{}</function>Done.", "Done."),
    ("Done.</tool_call>", "Done."),
    ("Hello {caller_name}, hi.", "Hello , hi."),
    ("So:\n```python\nx = 1\n```\nDone.", "So:\n\nDone."),
    ("It is <del>ten</del>five.", "It is five."),
]
PLAIN = [
    "Less < more, 3 > 2.",
    "See [our page](https://x.example).",
    "[Maple Court] is open.",
    "a <b>bold</b> word",
    "`code`",
    "<",
]


@pytest.mark.parametrize(("reply", "left"), MARKED)
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_what_stands_between_marks_is_not_heard_however_it_is_cut(reply: str, left: str, size: int) -> None:
    assert heard(reply, size) == left


@pytest.mark.parametrize("reply", PLAIN)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_what_only_looks_like_a_mark_is_heard(reply: str, size: int) -> None:
    assert heard(reply, size) == reply


@given(st.lists(st.sampled_from([reply for reply, _ in MARKED] + PLAIN), max_size=4), st.integers(1, 9))
def test_however_a_reply_is_cut_the_same_is_heard(parts: list[str], size: int) -> None:
    assert heard(" ".join(parts), size) == heard_of(" ".join(parts))


@given(st.text(alphabet='<>|/[]{}`"\\◁▷ thinks\n', max_size=300), st.integers(1, 5))
def test_no_more_is_held_back_than_a_tag_is_long(reply: str, size: int) -> None:
    firewall = Firewall()
    for at in range(0, len(reply), size):
        firewall.feed(reply[at : at + size])

    assert firewall.is_hiding or len(firewall.end()) <= 210


@pytest.mark.parametrize(
    "reply",
    [
        "IN_QUEUE",
        "COMPLETED",
        '{"status": "COMPLETED"}',
        "status: FAILED",
        "Job 17 is IN_PROGRESS.",
        "null",
        'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    x()\nValueError: no',
        "ValueError: list index out of range, try again later.",
        "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate.",
        "Error: rate limit exceeded, please wait.",
        "502 Bad Gateway",
        "Thought: I should ask for the unit. Then act.",
        "Action: ticket\nAction Input: leak",
        'create_ticket(issue="leak")',
        "The user wants to know when rent is due. I should answer briefly.",
        "Okay, the caller is asking about rent.",
    ],
)
def test_what_is_technical_is_never_said(reply: str) -> None:
    assert said(reply) == []


@pytest.mark.parametrize(
    "reply",
    [
        "The caller ID is new to us.",
        "Your request is completed.",
        "None of them is free.",
        "Thought you might ask.",
        "The system: it is down.",
        "I need to ask for your unit first.",
        "The ticket (leak) is open.",
    ],
)
def test_what_only_sounds_technical_is_said(reply: str) -> None:
    assert " ".join(said(reply)) == reply


def test_a_reply_that_goes_on_as_the_caller_is_cut_there() -> None:
    assert said("Which unit are you in?\nUser: Unit 4B.\nAgent: Thank you.") == ["Which unit are you in?"]


def test_the_rest_of_a_reply_is_said_when_a_line_of_it_is_technical() -> None:
    assert said("Action: look_up(4)\nRent is due on the first.") == ["Rent is due on the first."]


def test_thoughts_that_only_their_end_gives_away_are_not_said() -> None:
    reply = "Okay, the user asks about rent. It is due on the first. Short answer.\n</think>\nOn the first."

    assert said(reply) == ["On the first."]


def test_a_reply_that_began_like_thoughts_is_heard_when_it_has_been_held_for_long_enough() -> None:
    chunker = Chunker()
    held = chunker.feed("The user is asking for the office. It is open until five. ", at_s=10.0)

    late = chunker.feed("Come by. ", at_s=10.0 + HOLD_S)

    assert held == []
    assert [chunk.text for chunk in late] == ["It is open until five.", "Come by."]


def test_no_more_than_a_bounded_number_of_characters_is_held_for_a_thought() -> None:
    chunker = Chunker()
    reply = "The user is asking for the office. " + "It is open until five. " * 60

    held_until = next(at for at in range(len(reply)) if chunker.feed(reply[at]))

    assert held_until <= HOLD_CHARS + 100


def test_instructions_of_the_prompt_are_not_said_but_its_facts_are() -> None:
    persona = "You answer the telephone for Maple Court. Rent is due on the first. Never promise a price."
    chunker = Chunker(instructions=instructions_in(persona))

    chunks = chunker.feed(
        "You answer the telephone for Maple Court. Rent is due on the first. Never promise a price. "
    )

    assert [chunk.text for chunk in chunks] == ["Rent is due on the first."]


CHANNELS = [
    ("analysisThe user wants rent. We should be brief.assistantfinalRent is due.", "Rent is due."),
    ("analysis\nUser wants rent.assistantfinalRent is due.", "Rent is due."),
    ('analysisNeed a tool.assistantcommentary to=functions.ticket json{"a": 1}assistantfinalDone.', "Done."),
    ('commentary to=functions.ticket {"a": 1}assistantfinalDone.', "Done."),
    ("finalRent is due.", "Rent is due."),
    ("assistantfinalRent is due.", "Rent is due."),
    ("analysisThe user wants rent.", ""),
    ("final answer: it is due.", "final answer: it is due."),
    ("analysis of your bill shows ten dollars.", "analysis of your bill shows ten dollars."),
    ("Analysis shows it.", "Analysis shows it."),
    ("commentary on it", "commentary on it"),
    ("a", "a"),
    ("Finally, it is due.", "Finally, it is due."),
]


@pytest.mark.parametrize(("reply", "left"), CHANNELS)
@pytest.mark.parametrize("size", [1, 3, 8, 1000])
def test_channels_whose_tokens_were_taken_out_are_told_apart(reply: str, left: str, size: int) -> None:
    assert heard(reply, size) == heard_of(reply) == left


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_what_comes_before_the_answers_channel_is_taken_back(size: int) -> None:
    reply = "Okay, the user asks about rent. Short answer.assistantfinalRent is due."

    assert " ".join(said(reply, size)) == "Rent is due."


def test_what_was_not_said_yet_goes_with_its_thought() -> None:
    chunker = Chunker()

    said_before = chunker.feed("They want rent")
    said_after = [*chunker.feed("</think>Rent is due. "), *chunker.end()]

    assert said_before == []
    assert [chunk.text for chunk in said_after] == ["Rent is due."]


@pytest.mark.parametrize("unit", ["<", "[(", "&lt;", "{x} ", "```a "])
def test_a_reply_of_ever_so_many_marks_is_closed(unit: str) -> None:
    assert len(heard(unit * 2_000, 4)) < 4_000
    assert heard(unit * 2_000 + "<think>no", 4) == heard(unit * 2_000, 4)


def test_a_reply_that_begins_with_ever_so_many_blanks_is_heard() -> None:
    assert heard("\n" * 300 + "Hello there.").strip() == "Hello there."
