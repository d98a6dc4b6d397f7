from __future__ import annotations

from voice.threads.window import newest
from voice.types import Message, ToolCall


def test_a_short_thread_is_read_whole() -> None:
    messages = [Message("assistant", "Hello."), Message("user", "Hi.")]

    assert newest(messages) == messages


def test_of_a_long_thread_the_newest_turns_are_read() -> None:
    messages = [Message("user" if i % 2 == 0 else "assistant", f"{i} " + "x" * 98) for i in range(100)]

    read = newest(messages, max_chars=1000)

    assert read[-1] == messages[-1]
    assert read[0].role == "user"
    assert sum(len(message.text) for message in read) <= 1000


def test_a_tools_answer_never_stands_without_its_question() -> None:
    asked = Message("assistant", "x" * 500, (ToolCall("1", "ticket"),))
    messages = [
        Message("user", "x" * 500),
        asked,
        Message("tool", "Done.", tool_call_id="1"),
        Message("user", "Ok."),
    ]

    assert [message.role for message in newest(messages, max_chars=300)] == ["user"]
