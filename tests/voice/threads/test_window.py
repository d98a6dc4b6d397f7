from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voice.threads.window import newest, without_orphans
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


def test_a_tool_call_that_nobody_answered_is_left_out() -> None:
    asked = Message("assistant", "Let me check.", (ToolCall("1", "ticket"),))
    messages = [Message("user", "My sink leaks."), asked, Message("user", "Hello?")]

    assert without_orphans(messages) == [
        messages[0],
        Message("assistant", "Let me check."),
        messages[2],
    ]


def test_of_a_message_that_only_called_a_tool_in_vain_nothing_is_left() -> None:
    messages = [Message("user", "Hi."), Message("assistant", "", (ToolCall("1", "ticket"),))]

    assert without_orphans(messages) == messages[:1]


def test_an_answer_that_nobody_asked_for_is_left_out() -> None:
    messages = [Message("user", "Hi."), Message("tool", "Done.", tool_call_id="9")]

    assert without_orphans(messages) == messages[:1]


def test_an_answer_before_its_question_is_none() -> None:
    asked = Message("assistant", "", (ToolCall("1", "ticket"),))
    answer = Message("tool", "Done.", tool_call_id="1")

    assert answer not in without_orphans([answer, Message("user", "Hi."), asked])


def test_of_two_tools_the_answered_one_stays() -> None:
    both = Message("assistant", "", (ToolCall("1", "ticket"), ToolCall("2", "transfer")))
    answer = Message("tool", "Done.", tool_call_id="2")

    assert without_orphans([both, answer]) == [
        Message("assistant", "", (ToolCall("2", "transfer"),)),
        answer,
    ]


@st.composite
def chats(draw: st.DrawFn) -> list[Message]:
    """Turns that were stopped anywhere: some of what was asked is answered, some answers belong to nobody."""
    chat: list[Message] = []
    for turn in range(draw(st.integers(0, 4))):
        asked = [ToolCall(f"{turn}.{number}", "ticket") for number in range(draw(st.integers(0, 3)))]
        answered = draw(st.lists(st.sampled_from([*asked, ToolCall("nobody's", "ticket")]), unique=True))
        chat.append(Message("user", "Hi."))
        chat.append(Message("assistant", draw(st.sampled_from(("", "Let me check."))), tuple(asked)))
        chat.extend(Message("tool", "Done.", tool_call_id=call.id) for call in answered)
    return chat


@given(chats())
def test_whatever_was_stopped_each_call_is_answered_and_each_answer_asked_for(chat: list[Message]) -> None:
    kept = without_orphans(chat)

    for place, message in enumerate(kept):
        later = {one.tool_call_id for one in kept[place:]}
        before = {call.id for one in kept[:place] for call in one.tool_calls}
        assert {call.id for call in message.tool_calls} <= later
        assert message.role != "tool" or message.tool_call_id in before
    assert [one for one in kept if one.role == "user"] == [one for one in chat if one.role == "user"]
    assert without_orphans(kept) == kept
