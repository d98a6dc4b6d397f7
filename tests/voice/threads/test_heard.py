from __future__ import annotations

from time import process_time

import pytest

from voice.threads.heard import after, begins_with, heard_part, same_words

RENT = "Rent is due on the first and late after the fifth."
FILLER = "One moment, let me look into that."


@pytest.mark.parametrize(
    ("ours", "theirs", "heard"),
    [
        ("Which unit are you in?", "which unit are you in", None),
        ("Your rent is due on the first.", "your rent is due on the 1st", None),
        ("I see. Somebody will come by tomorrow after three.", "I see somebody", "I see. Somebody"),
        ("I see. Somebody will come by tomorrow.", "", ""),
        ("One two three four five six.", "1 two three", "One two three"),
    ],
)
def test_the_part_that_was_heard_keeps_our_spelling(ours: str, theirs: str, heard: str | None) -> None:
    assert heard_part(ours, theirs) == heard


def test_an_utterance_is_recognised_in_another_spelling() -> None:
    assert same_words("It's unit 4B, please.", "it's unit 4b please")
    assert not same_words("It's unit 4B.", "When are you open?")


@pytest.mark.parametrize(
    ("theirs", "heard"),
    [
        ("One moment, let me look into that.", ""),
        ("one moment let me", ""),
        ("one moment let me look into dat", ""),
        ("One moment, let me look into that. Rent is due on", "Rent is due on"),
        ("one moment let me look into that rent is due on the 1st and late after the 5th", None),
        ("Rent is due on", "Rent is due on"),
    ],
)
def test_a_filler_in_a_platforms_account_is_no_part_of_our_reply(theirs: str, heard: str | None) -> None:
    assert heard_part(RENT, theirs, FILLER) == heard


def test_a_filler_between_two_parts_of_a_reply_is_taken_out() -> None:
    ours, theirs = "Let me check. Rent is due on the first.", "let me check one moment rent is"

    assert heard_part(ours, theirs, "One moment.") == "Let me check. Rent is"


def test_words_that_we_did_not_say_are_not_counted_as_ours() -> None:
    assert heard_part(RENT, "good morning everybody") == ""


@pytest.mark.parametrize(
    ("ours", "theirs"), [("Nine thirty a.m.", "9:30 AM"), ("Okay.", "okay"), ("", "Hm.")]
)
def test_a_short_reply_is_heard_whole_in_another_spelling(ours: str, theirs: str) -> None:
    assert heard_part(ours, theirs) is None


def test_four_times_the_text_takes_about_four_times_as_long() -> None:
    def cost_s(count: int) -> float:
        ours = " ".join(("a", "b", "c")[i * i % 7 % 3] for i in range(count))
        theirs = " ".join(("b", "a", "c")[i * i % 11 % 3] for i in range(count))
        began = process_time()
        heard_part(ours, theirs)
        same_words(ours, theirs)
        return process_time() - began

    short, long = (min(cost_s(count) for _ in range(3)) for count in (1250, 5000))

    assert long < 10 * short + 0.002  # quadratic work would be sixteen times as much


def test_a_long_reply_is_still_cut_where_the_caller_cut_in() -> None:
    ours = " ".join(f"word{i}" for i in range(2500))
    theirs = "wort0 " + " ".join(f"word{i}" for i in range(1, 2000))

    heard = heard_part(ours, theirs)

    assert heard is not None
    assert heard.endswith(" word1999")


def test_the_beginning_of_an_utterance_is_recognised() -> None:
    assert begins_with("My sink leaks.", "my sink")
    assert not begins_with("My sink leaks.", "")
    assert not begins_with("My sink.", "My sink leaks.")


@pytest.mark.parametrize(
    ("text", "beginning", "rest"),
    [
        ("Let me check. It is open.", "let me check", "It is open."),
        ('Let me check— "It" is open.', "Let me check", '"It" is open.'),
        ("Let me check.", "Let me check", ""),
        ("It is open.", "Let me check.", None),
        ("It is open.", "", "It is open."),
    ],
)
def test_what_follows_a_beginning_keeps_its_spelling(text: str, beginning: str, rest: str | None) -> None:
    assert after(text, beginning) == rest
