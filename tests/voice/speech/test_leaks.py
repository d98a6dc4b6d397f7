"""What a model lets slip among its words is not heard, in pieces or at once."""

from __future__ import annotations

import pytest

from voice.speech.aloud import written
from voice.speech.chunk import Chunker

LEAKS = [
    # thoughts
    ("<reasoning_content>x</reasoning_content>Hello.", "Hello."),
    ("<inner_thoughts>x</inner_thoughts>Hello.", "Hello."),
    ("<plan>Say it. Then go.</plan>Hello.", "Hello."),
    ("Sure. <plan>Say it. Then go.</plan>Hello.", "Sure. Hello."),
    ("<seed:think>x</seed:think>Hello.", "Hello."),
    ("< think>secret</ think>Hello.", "Hello."),
    ("&lt;think&gt;secret. More&lt;/think&gt;Hello.", "Hello."),
    ("<|thinking|>secret<|/thinking|>Hello.", "Hello."),
    ("**Thinking:** they want rent.\nHello.", "Hello."),
    ("Thought process: rent.\nHello.", "Hello."),
    ("Let me think step by step. Hello.", "Hello."),
    ("The caller sounds upset. I'll apologize. Hello.", "Hello."),
    ("We need to respond in one sentence. Hello.", "Hello."),
    ("I need to call the tool first. Hello.", "Hello."),
    ("Hmm, the system prompt says I must not share. Hello.", "Hello."),
    ("Here is the response under 30 words:\nHello.", "Hello."),
    ("Of course, the user wants the rent. Hello.", "Of course, Hello."),
    ("analysisThe user wants rent.assistantfinalHello.", "Hello."),
    # calls
    ('Okay. {"name": "ticket", "note": "leak"\n\nYour ticket is filed.', "Okay. Your ticket is filed."),
    ('Okay, create_ticket(issue="leak") is done.', "Okay, is done."),
    ('Okay. create_ticket(issue="leak")', "Okay."),
    ('`create_ticket(issue="leak. now")` Hello.', "Hello."),
    ('print(create_ticket(issue="a")) Hello.', "Hello."),
    ('functions.create_ticket({"a": 1}) Hello.', "Hello."),
    ('assistant to=functions.transfer json {"a": 1}', ""),
    ("Tool call: create_ticket\nHello.", "Hello."),
    ("TOOL_CALL: create_ticket\nHello.", "Hello."),
    ("Function: create_ticket\nHello.", "Hello."),
    ("Hello. [TOOL_CALL] x", "Hello."),
    ("Goodbye. [END CALL]", "Goodbye."),
    ("Goodbye. [hangup]", "Goodbye."),
    ("Goodbye. END_CALL", "Goodbye."),
    ('"issue": "leak",\n"priority": "high"', ""),
    # errors
    ("Sure, KeyError: 'unit'", ""),
    ("httpx.ReadTimeout: timed out", ""),
    ("panic: runtime error: index", ""),
    ('Exception in thread "main" java.lang.X', ""),
    ("  at com.oak.Foo(Foo.java:12)\nHello.", "Hello."),
    ("Rent is due. Status: COMPLETED.", "Rent is due."),
    ("Sorry. Traceback (most recent call last):\n  x()\nHello.", "Sorry."),
    ("Hello.\nUser: secret next", "Hello."),
    # templates and leftovers
    ("Hello <thin", "Hello"),
    ("Hello [Name], this is <<COMPANY>>.", "Hello, this is."),
    ("It\\u2019s here.", "It’s here."),
    ("Hello there. (12 words)", "Hello there."),
    ("Hello there. (Word count: 12)", "Hello there."),
    ("/no_think Hello.", "Hello."),
    ("### Response: Hello.", "Hello."),
    ("assistant\nHello.", "Hello."),
    ("Due soon [Source: lease.pdf] turn0search1.", "Due soon."),
]


def in_pieces(reply: str, size: int) -> str:
    chunker = Chunker()
    chunks = [chunk for at in range(0, len(reply), size) for chunk in chunker.feed(reply[at : at + size])]
    return " ".join(chunk.text for chunk in [*chunks, *chunker.end()])


@pytest.mark.parametrize(("reply", "left"), LEAKS)
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_what_is_not_for_the_caller_is_not_heard(reply: str, left: str, size: int) -> None:
    assert in_pieces(reply, size) == left


@pytest.mark.parametrize(("reply", "left"), LEAKS)
def test_a_text_read_at_once_goes_through_the_same_firewall(reply: str, left: str) -> None:
    assert written(reply) == left
