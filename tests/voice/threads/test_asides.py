"""What the caller heard of others stands in the thread where it was heard, once."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.builders import a_turn
from voice.threads.asides import interleaved, take_apart
from voice.threads.thread import Thread
from voice.types import Aside, Chunk, Ending, Message, Utterance

PLUMBER = "The plumber is on his way."
REPLY = "I am sorry to hear that. Which unit are you in? Is it the kitchen sink or the one in the bathroom?"

# What we said; what the platform tells; what of it is ours; what others said, and after which words of ours.
ACCOUNTS: list[tuple[str, list[str], str, list[tuple[str, str]]]] = [
    ("Which unit?", ["Which unit?"], "Which unit?", []),
    ("Which unit?", ["Which unit?", PLUMBER], "Which unit?", [(PLUMBER, "Which unit?")]),
    ("Which unit?", [PLUMBER, "which unit"], "which unit", [(PLUMBER, "")]),
    ("Which unit?", [f"which unit? {PLUMBER}"], "which unit?", [(PLUMBER, "Which unit?")]),
    ("Which unit?", [f"{PLUMBER} which unit"], "which unit", [(PLUMBER, "")]),
    ("Which unit?", ["which unit the plumber is on his way"], "which unit",
     [("the plumber is on his way", "Which unit?")]),
    ("Which unit?", ["which unit", "are you still there", "hold the line please"], "which unit",
     [("are you still there hold the line please", "Which unit?")]),
    (REPLY, ["i am sorry to hear that which", PLUMBER], "i am sorry to hear that which",
     [(PLUMBER, "I am sorry to hear that. Which")]),
    (REPLY, ["i am sorry to hear that", PLUMBER, "which unit are you in is it the kitchen sink"],
     "i am sorry to hear that which unit are you in is it the kitchen sink",
     [(PLUMBER, "I am sorry to hear that.")]),
    (REPLY, ["i am sorry to hear that. Hold on please, thanks. which unit are you in"],
     "i am sorry to hear that. which unit are you in",
     [("Hold on please, thanks.", "I am sorry to hear that.")]),
    ("We come at nine thirty.", ["we come at 9:30"], "we come at 9:30", []),
    ("Nine thirty.", ["9:30"], "9:30", []),
    (
        "Call 555-0123 for the office.",
        ["call five five five oh one two three for the office"],
        "call five five five oh one two three for the office",
        [],
    ),
    ("I have noted two seven one.", ["i've noted it 271"], "i've noted it 271", []),
    ("Which unit are you in?", ["which unit are you in there"], "which unit are you in there", []),
    ("Done. Bye.", ["Done. Bye. Okay."], "Done. Bye.", [("Okay.", "Done. Bye.")]),
    ("Which unit?", [PLUMBER], "", [(PLUMBER, "")]),
    ("", [PLUMBER], "", [(PLUMBER, "")]),
    ("Which unit?", [], "", []),
]  # fmt: skip


@pytest.mark.parametrize(("ours", "told", "own", "asides"), ACCOUNTS)
def test_what_is_ours_is_told_from_what_others_said(
    ours: str, told: list[str], own: str, asides: list[tuple[str, str]]
) -> None:
    apart = take_apart(ours, told)

    assert " ".join(apart.ours.split()) == own
    assert [(one.text, ours[: one.after]) for one in apart.asides] == asides


def test_a_filler_before_the_reply_is_ours() -> None:
    said = ["One moment, let me look.", "I am still working on it."]

    apart = take_apart("Sure. Which unit?", ["one moment let me look", "which unit", PLUMBER], fillers=said)
    within = take_apart(
        "Sure. It is on Friday.",
        ["sure one moment let me look i am still working on it it is on friday", PLUMBER],
        fillers=said,
    )
    cut = take_apart("Which unit?", ["one moment let"], fillers=said)

    assert (apart.ours, apart.lead, apart.asides) == ("which unit", said[1], (Aside(PLUMBER, 17),))
    assert (within.ours, within.lead, within.asides) == ("sure it is on friday", "", (Aside(PLUMBER, 22),))
    assert (cut.ours, cut.asides) == ("one moment let", ())


def test_ordered_words_are_found_though_the_reply_was_cut_by_them() -> None:
    ordered = Aside("Help is on its way to you.", 0)

    apart = take_apart(REPLY, ["i am sorry to hear help is on its way to you"], known=[ordered])

    assert apart.ours == "i am sorry to hear"
    assert apart.asides == (Aside(ordered.text, len("I am sorry to hear")),)


def test_all_that_was_heard_reads_in_its_order() -> None:
    asides = [Aside("Hold on.", 0), Aside(PLUMBER, 17)]

    assert interleaved("I see. Which one? Good.", asides) == f"Hold on. I see. Which one? {PLUMBER} Good."
    assert interleaved("I see.", asides) == f"Hold on. I see. {PLUMBER}"
    assert interleaved("", ()) == ""


# In the thread


def a_thread(*turns: tuple[str, str]) -> Thread:
    thread = Thread("Hello, this is Jamie.")
    for words, answer in turns:
        turn = thread.begin(Utterance(words, 0.0))
        turn.spoken = turn.sent = answer
        turn.ending = Ending.ANSWERED
    return thread


def read(thread: Thread) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in thread.messages()]


def account(*told: tuple[str, str]) -> list[Message]:
    """A platform's history behind the greeting: "u" and "a" stand for the two who speak."""
    roles = {"u": "user", "a": "assistant"}
    said = [Message(roles[who], text) for who, text in told]  # type: ignore[arg-type]  # both are roles
    return [Message("assistant", "hello this is jamie"), *said]


def test_what_an_operator_said_between_two_turns_is_read_by_the_model_once() -> None:
    thread = a_thread(("My sink leaks.", "Which unit?"))
    history = account(("u", "my sink leaks"), ("a", "which unit"), ("a", PLUMBER))

    changed = thread.reconcile(history)
    again = thread.reconcile(history)

    assert (len(changed), again) == (1, [])
    assert read(thread)[1:] == [("user", "My sink leaks."), ("assistant", f"Which unit? {PLUMBER}")]


def test_it_is_still_there_once_after_a_restart_and_more_turns() -> None:
    thread = a_thread(("My sink leaks.", "Which unit?"))
    thread.reconcile(account(("u", "my sink leaks"), ("a", "which unit"), ("a", PLUMBER)))
    restarted = Thread(thread.greeting, [*thread.turns])
    newest = restarted.begin(Utterance("4B.", 0.0))
    newest.spoken, newest.ending = "Thank you.", Ending.ANSWERED

    restarted.reconcile(
        account(("u", "my sink leaks"), ("a", "which unit"), ("a", PLUMBER), ("u", "4b"), ("a", "thank you"))
    )

    assert read(restarted)[1:] == [
        ("user", "My sink leaks."),
        ("assistant", f"Which unit? {PLUMBER}"),
        ("user", "4B."),
        ("assistant", "Thank you."),
    ]


def test_ordered_words_stand_where_the_platform_says_that_they_were_heard() -> None:
    thread = a_thread(("My sink leaks.", "Which unit?"), ("4B.", "Thank you."))
    thread.turns.pop()
    thread.overhear(Chunk(PLUMBER, PLUMBER))  # the caller was speaking: the platform waits
    newest = thread.begin(Utterance("4B.", 0.0))
    thread.reconcile(account(("u", "my sink leaks"), ("a", "which unit")))
    newest.spoken, newest.ending = "Thank you.", Ending.ANSWERED

    thread.reconcile(
        account(("u", "my sink leaks"), ("a", "which unit"), ("u", "4b"), ("a", "thank you"), ("a", PLUMBER))
    )

    assert read(thread)[1:] == [
        ("user", "My sink leaks."),
        ("assistant", "Which unit?"),
        ("user", "4B."),
        ("assistant", f"Thank you. {PLUMBER}"),
    ]


def test_ordered_words_that_the_platform_never_said_are_not_remembered() -> None:
    thread = a_thread(("My sink leaks.", "Which unit?"))
    thread.overhear(Chunk(PLUMBER, PLUMBER))

    thread.reconcile(account(("u", "my sink leaks"), ("a", "which unit")))

    assert read(thread)[-1] == ("assistant", "Which unit?")


def test_words_before_the_caller_spoke_belong_to_the_greeting() -> None:
    thread = Thread("Hello, this is Jamie.")

    for _ in range(2):
        thread.reconcile(account(("a", "Please hold the line for a second.")))

    assert thread.greeting == "Hello, this is Jamie. Please hold the line for a second."


def test_words_during_an_utterance_that_went_on_are_read_once() -> None:
    thread = a_thread(("My sink", ""))
    thread.turns[0].ending = Ending.INTERRUPTED
    thread.turns[0].asides = (Aside(PLUMBER),)
    thread.begin(Utterance("My sink leaks.", 0.0)).ending = Ending.ANSWERED

    assert read(thread) == [
        ("assistant", f"Hello, this is Jamie. {PLUMBER}"),
        ("user", "My sink leaks."),
    ]


def test_an_agent_who_spoke_of_its_own_accord_said_it_once() -> None:
    thread = a_thread(("My sink leaks.", "Which unit?"), ("", "By the way, you are a new tenant."))

    thread.reconcile(
        account(("u", "my sink leaks"), ("a", "which unit"), ("a", "by the way you are a new tenant"))
    )

    assert [turn.asides for turn in thread.turns] == [(), ()]
    assert read(thread)[1:] == [
        ("user", "My sink leaks."),
        ("assistant", "Which unit? By the way, you are a new tenant."),
    ]


def test_four_times_the_reply_takes_about_four_times_as_long() -> None:
    def cost_s(count: int) -> float:
        said = " ".join(f"word{number % 7}" for number in range(count))
        began = process_time()
        apart = take_apart(said, [said[: count * 3], PLUMBER, said[count * 3 :]])
        took_s = process_time() - began
        assert apart.asides[-1].text.startswith(PLUMBER)
        return took_s

    short, long = (min(cost_s(count) for _ in range(3)) for count in (750, 3000))

    assert long < 10 * short + 0.002


def test_a_cut_reply_with_an_aside_is_exported_as_it_was_heard() -> None:
    turn = a_turn(spoken=REPLY, heard="I am sorry to hear that.", asides=(Aside(PLUMBER, 24),))

    assert [one.text for one in Thread("", [turn]).messages()][1] == f"I am sorry to hear that. {PLUMBER}"


WORDS = ["the", "a", "unit", "4b", "9:30", "yes", "bye.", "…", "don't", "plumber"]
SAYINGS = some.lists(some.sampled_from(WORDS), max_size=8).map(" ".join)


@settings(deadline=None, max_examples=200)
@given(
    greeting=SAYINGS,
    ours=some.lists(some.tuples(SAYINGS, SAYINGS), max_size=4),
    told=some.lists(some.tuples(some.sampled_from("ua"), SAYINGS), max_size=8),
)
def test_an_account_that_comes_again_changes_nothing(
    greeting: str, ours: list[tuple[str, str]], told: list[tuple[str, str]]
) -> None:
    thread = a_thread(*ours)
    thread.greeting = greeting
    for _ in range(2):
        thread.reconcile(account(*told))
    before = read(thread)

    for _ in range(3):
        assert thread.reconcile(account(*told)) == []

    assert read(thread) == before
