from __future__ import annotations

from time import process_time

import pytest

from tests.builders import a_turn
from voice.threads.thread import Thread
from voice.types import SPOKE_OVER, Ending, Message, ToolCall, Utterance


def said(thread: Thread) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in thread.messages()]


def a_thread(*turns: tuple[str, str]) -> Thread:
    thread = Thread("Hello, this is Jamie.")
    for words, answer in turns:
        turn = thread.begin(Utterance(words, 0.0))
        turn.spoken = turn.sent = answer
        turn.ending = Ending.ANSWERED
    return thread


def history(*texts: str) -> list[Message]:
    """A platform's account: the greeting, then caller and agent in turn."""
    return [Message("assistant" if i % 2 == 0 else "user", text) for i, text in enumerate(texts)]


def test_a_thread_reads_as_greeting_then_caller_and_agent_in_turn() -> None:
    thread = a_thread(("My sink leaks.", "Which unit?"))

    assert said(thread) == [
        ("assistant", "Hello, this is Jamie."),
        ("user", "My sink leaks."),
        ("assistant", "Which unit?"),
    ]


def test_the_open_turn_is_not_part_of_what_was_said() -> None:
    thread = a_thread(("My sink leaks.", "Which unit?"))
    thread.begin(Utterance("Unit 4B.", 0.0))

    assert said(thread)[-1] == ("assistant", "Which unit?")


def test_a_reply_cut_by_the_caller_is_remembered_as_far_as_it_was_heard() -> None:
    thread = a_thread(("My sink leaks.", "I am sorry. Which unit are you in? Somebody will come today."))

    thread.reconcile(history("Hello, this is Jamie.", "my sink leaks", "I'm sorry. Which unit are you"))

    assert thread.turns[0].heard == "I am sorry. Which unit are you"


def test_a_platforms_own_spelling_does_not_replace_our_words() -> None:
    thread = a_thread(("My sink leaks.", "Which unit? Is it 4B?"))

    changed = thread.reconcile(history("Hello this is Jamie", "my sink leaks", "which unit is it for be"))

    assert changed == []
    assert said(thread)[-1] == ("assistant", "Which unit? Is it 4B?")


def test_a_platforms_history_is_not_stored_beside_ours() -> None:
    thread = a_thread(("My sink leaks.", "Which unit?"), ("Unit 4B.", "When may we come?"))

    thread.reconcile(
        history("Hello, this is Jamie.", "My sink leaks.", "Which unit?", "Unit four b.", "When may we come?")
    )

    assert [turn.said for turn in thread.turns] == ["My sink leaks.", "Unit 4B."]


def test_turns_that_only_the_platform_knows_are_taken_over() -> None:
    thread = Thread()

    changed = thread.reconcile(history("Hello.", "My sink leaks.", "Which unit?"))

    assert len(changed) == 1
    assert said(thread) == [("assistant", "Hello."), ("user", "My sink leaks."), ("assistant", "Which unit?")]


def test_a_stopped_reply_that_the_platform_leaves_out_was_not_heard() -> None:
    thread = a_thread(("My sink", "Go on."), ("My sink leaks.", "Which unit?"))
    thread.turns[0].ending = Ending.INTERRUPTED

    thread.reconcile(history("Hello, this is Jamie.", "My sink leaks.", "Which unit?"))

    assert [text for _, text in said(thread)] == ["Hello, this is Jamie.", "My sink leaks.", "Which unit?"]


def test_only_a_platforms_counter_makes_the_same_words_a_repeat() -> None:
    thread = Thread()
    turn = thread.begin(Utterance("Yes.", 0.0, key="3"))
    turn.ending = Ending.ANSWERED

    assert thread.answered(Utterance("Yes.", 0.0, key="3")) is turn
    assert thread.answered(Utterance("Yes.", 0.0, key="4")) is None
    assert thread.answered(Utterance("Yes.", 0.0)) is None


def test_a_turn_that_was_stopped_is_answered_again() -> None:
    thread = Thread()
    thread.begin(Utterance("Yes.", 0.0, key="3")).ending = Ending.INTERRUPTED

    assert thread.answered(Utterance("Yes.", 0.0, key="3")) is None


def test_what_a_tool_answered_is_read_again_in_its_place() -> None:
    thread = a_thread(("My sink leaks.", "It is written down."))
    thread.turns[0].tools = (Message("tool", "Ticket 123 is open.", tool_call_id="call_1"),)

    assert [role for role, _ in said(thread)] == ["assistant", "user", "tool", "assistant"]


def test_a_filler_is_no_part_of_what_the_model_reads() -> None:
    turn = a_turn(filler="One moment.")

    assert turn.was_heard == "Which unit?"


def a_window(*texts: str) -> list[Message]:
    """The newest part of an account, beginning with the caller."""
    return history("", *texts)[1:]


def test_an_answer_that_nobody_heard_is_forgotten_though_all_of_it_was_sent() -> None:
    thread = a_thread(("My sink leaks.", "Which unit?"), ("Unit.", "Which one, please?"))

    changed = thread.reconcile(history("Hello, this is", "my sink leaks", "which unit"))
    thread.begin(Utterance("Unit 4B.", 0.0))

    assert changed == [thread.turns[1]]
    assert thread.turns[1].heard == ""
    assert [text for _, text in said(thread)] == ["Hello, this is Jamie.", "My sink leaks.", "Which unit?"]


def test_a_first_answer_that_nobody_heard_is_forgotten() -> None:
    thread = a_thread(("My sink.", "What about it?"))

    thread.reconcile(history("Hello, this is Jamie."))
    thread.begin(Utterance("My sink leaks.", 0.0))

    assert [text for _, text in said(thread)] == ["Hello, this is Jamie."]


def test_a_whole_account_may_begin_without_a_greeting() -> None:
    thread = a_thread(("My sink leaks.", "Which unit?"), ("Unit", "Which one?"))

    thread.reconcile(a_window("My sink leaks.", "Which unit?"))

    assert [turn.heard for turn in thread.turns] == [None, ""]


@pytest.mark.parametrize(
    "window", [a_window("Yes.", "Third answer."), history("Second answer.", "Yes.", "Third answer.")]
)
def test_a_client_that_sends_only_the_newest_messages_leaves_older_turns_as_they_are(
    window: list[Message],
) -> None:
    thread = a_thread(("Yes.", "First."), ("Well.", "Second answer."), ("Yes.", "Third answer."))
    thread.turns[1].ending, thread.turns[1].heard = Ending.INTERRUPTED, "Second"

    changed = thread.reconcile(window)

    assert changed == []


def test_a_window_that_begins_with_an_answer_taken_for_the_greeting_is_not_the_whole_call() -> None:
    thread = a_thread(("Yes.", "First answer."), ("No.", "Second answer."), ("No.", "Third answer."))
    thread.greeting = "First answer."

    thread.reconcile(history("First answer.", "No.", "Second answer."))

    assert thread.turns[2].heard is None


def test_an_answer_that_was_told_later_was_heard_after_all() -> None:
    thread = a_thread(("My sink leaks.", "Which unit?"), ("Unit 4B.", "Thanks."))
    short = history("Hello, this is Jamie.", "My sink leaks.", "Which unit?")

    thread.reconcile(short)
    thread.reconcile([*short, Message("user", "Unit 4B."), Message("assistant", "thanks")])

    assert [turn.heard for turn in thread.turns] == [None, None]


def test_a_turn_that_a_platform_has_replaced_is_not_read_without_any_account_of_it() -> None:
    first = a_turn("My sink.", "What about it?", key="0.1:a")  # as they were stored by older versions
    second = a_turn("My sink leaks.", "Which unit?", key="0.1:b", position=1)
    thread = Thread(turns=[first, second])

    assert [text for _, text in said(thread)] == ["My sink leaks.", "Which unit?"]
    assert thread.reconcile(a_window("My sink leaks.", "Which unit?")) == [first]
    assert first.heard == ""


def test_a_caller_who_repeats_what_was_answered_has_said_it_twice() -> None:
    thread = Thread()
    for words, key in (("Yes.", "1.1"), ("Yes, please.", "2.2")):
        turn = thread.begin(Utterance(words, 0.0, key=key))
        turn.spoken, turn.ending = "Okay.", Ending.ANSWERED

    assert [text for _, text in said(thread)] == ["Yes.", "Okay.", "Yes, please.", "Okay."]


def test_of_a_filler_alone_nothing_of_the_reply_was_heard() -> None:
    thread = a_thread(("When is rent due?", "Rent is due on the first and late after the fifth."))
    thread.turns[0].filler = "One moment, let me look into that."

    thread.reconcile(
        history("Hello, this is Jamie.", "When is rent due?", "One moment, let me look into that.")
    )

    assert thread.turns[0].heard == ""


def test_words_said_before_a_tool_are_read_once() -> None:
    thread = a_thread(("My sink leaks.", "Let me check. One more thing. It is written down."))
    thread.turns[0].tools = (
        Message("assistant", "Let me **check**.", (ToolCall("1", "ticket"),)),
        Message("tool", "Ticket 123 is open.", tool_call_id="1"),
        Message("assistant", "One more thing.", (ToolCall("2", "ticket"),)),
        Message("tool", "Done.", tool_call_id="2"),
    )

    assert said(thread)[2:] == [
        ("assistant", "Let me **check**."),
        ("tool", "Ticket 123 is open."),
        ("assistant", "One more thing."),
        ("tool", "Done."),
        ("assistant", "It is written down."),
    ]


@pytest.mark.parametrize(("heard", "read"), [("Let me", ["Let me", "Done."]), ("", ["", "Done."])])
def test_words_before_a_tool_are_read_as_far_as_they_were_heard(heard: str, read: list[str]) -> None:
    thread = a_thread(("My sink leaks.", "Let me check. It is written down."))
    thread.turns[0].heard = heard
    thread.turns[0].tools = (
        Message("assistant", "Let me check.", (ToolCall("1", "ticket"),)),
        Message("tool", "Done.", tool_call_id="1"),
    )

    assert [text for _, text in said(thread)[2:]] == read


def test_what_a_tool_has_done_is_not_forgotten_when_the_caller_goes_on_talking() -> None:
    thread = a_thread(("My sink", "It is written down."), ("My sink leaks.", "Which unit?"))
    thread.turns[0].heard = ""
    thread.turns[0].tools = (Message("tool", "Done.", tool_call_id="1"),)

    assert "Done." in [text for _, text in said(thread)]


def cost_s(thread: Thread, account: list[Message]) -> float:
    began = process_time()
    thread.reconcile(account)
    return process_time() - began


def test_a_long_call_is_not_compared_again_with_every_turn() -> None:
    turns = [(f"Question {i} about my sink, please.", f"Answer {i}, which is quite long.") for i in range(60)]
    thread = a_thread(*turns)
    account = history("hello this is jamie", *(text.lower() for turn in turns for text in turn))

    first_s, again_s = cost_s(thread, account), min(cost_s(thread, account) for _ in range(20))

    assert thread.reconcile(account) == []
    assert again_s < first_s / 5


def test_words_said_over_a_reply_say_so() -> None:
    thread = a_thread(("My sink leaks.", "I am sorry. Which unit are you in?"), ("4B.", "When may we come?"))
    thread.turns[0].heard = "I am sorry. Which"

    assert said(thread)[2:] == [
        ("assistant", "I am sorry. Which"),
        ("user", f"{SPOKE_OVER} 4B."),
        ("assistant", "When may we come?"),
    ]


def test_what_is_shown_to_people_holds_the_callers_words_alone() -> None:
    thread = a_thread(("My sink leaks.", "Which unit are you in?"), ("4B.", "When may we come?"))
    thread.turns[0].heard = "Which"

    assert SPOKE_OVER not in " ".join(message.text for message in thread.messages(marks_cuts=False))


@pytest.mark.parametrize(
    ("ending", "heard", "is_marked"),
    [
        (Ending.INTERRUPTED, None, True),
        (Ending.INTERRUPTED, "Which unit", True),
        (Ending.ANSWERED, "Which unit", True),  # all was sent, and a part was heard
        (Ending.ANSWERED, None, False),
        (Ending.INTERRUPTED, "", False),  # nothing was heard that could be spoken over
    ],
)
def test_the_newest_words_say_what_they_were_said_over(
    ending: Ending, heard: str | None, is_marked: bool
) -> None:
    thread = a_thread(("My sink leaks.", "Which unit are you in?"))
    thread.turns[0].ending, thread.turns[0].heard = ending, heard

    assert thread.newest_words("4B.") == (f"{SPOKE_OVER} 4B." if is_marked else "4B.")


def test_the_first_words_of_a_call_are_said_over_nothing() -> None:
    assert Thread("Hello.").newest_words("My sink leaks.") == "My sink leaks."


def test_a_caller_who_speaks_over_a_reply_and_goes_on_talking_has_spoken_over_it() -> None:
    thread = a_thread(("My sink leaks.", "Which unit are you in?"), ("Wait", ""))
    thread.turns[0].heard, thread.turns[0].ending = "Which unit", Ending.INTERRUPTED
    thread.turns[1].ending = Ending.INTERRUPTED  # stopped before a word was said
    newest = thread.begin(Utterance("Wait, it is the heater.", 0.0))

    assert thread.newest_words(newest.said) == f"{SPOKE_OVER} Wait, it is the heater."
    newest.ending = Ending.ANSWERED
    assert said(thread)[-1] == ("user", f"{SPOKE_OVER} Wait, it is the heater.")


def asked_anew(thread: Thread, account: list[Message]) -> list[Message]:
    """The caller's words as they come again, once the platform has run the tool that they need."""
    use = ToolCall("t1", "visits")
    turn = thread.begin(Utterance("When do you come?", 0.0, key="1.1"))
    turn.spoken = turn.sent = "Let me look."
    turn.handed, turn.ending = (use,), Ending.ANSWERED
    if account:
        thread.reconcile(account)
    told = [Message("assistant", "Let me look.", (use,)), Message("tool", "Friday", tool_call_id="t1")]
    thread.begin(Utterance("When do you come?", 0.0, key="1.1+1")).tools = tuple(told)
    return told


@pytest.mark.parametrize("greeting", ["", "Hello."])
def test_words_before_a_tool_that_the_platform_runs_are_read_once(greeting: str) -> None:
    thread = Thread(greeting)
    account = [Message("assistant", greeting)] if greeting else []

    asked_anew(thread, account)

    assert said(thread) == ([("assistant", greeting)] if greeting else [])


@pytest.mark.parametrize("greeting", ["", "Hello."])
def test_a_reply_on_both_sides_of_a_tool_is_remembered_as_one(greeting: str) -> None:
    thread = Thread(greeting)
    account = [Message("assistant", greeting)] if greeting else []
    told = asked_anew(thread, account)
    thread.turns[-1].spoken, thread.turns[-1].ending = "On Friday at nine.", Ending.ANSWERED

    answer = Message("assistant", "On Friday at nine.")
    thread.reconcile([*account, Message("user", "When do you come?"), *told, answer])

    assert [turn.was_heard for turn in thread.turns] == ["Let me look.", "On Friday at nine."]
    assert said(thread)[len(account) :] == [
        ("user", "When do you come?"),
        ("assistant", "Let me look."),
        ("tool", "Friday"),
        ("assistant", "On Friday at nine."),
    ]
