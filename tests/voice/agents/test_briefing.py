"""What a person is told of a caller: their own words, and nothing that could be a secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.agents.briefing import MOST_WORDS, briefing, last_digits, without_secrets


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["My sink has been leaking since Monday."], "My sink has been leaking since Monday."),
        (["Hello?", "My sink leaks.", "Unit four B."], "My sink leaks."),
        (["Hi, good morning, how are you?", "My sink leaks."], "My sink leaks."),
        (["My sink leaks.", "Unit four B.", "Can I talk to a person?"], "My sink leaks."),
        (
            ["I want to talk to a person.", "It is about my deposit, please."],
            "It is about my deposit, please.",
        ),
        (["I want to talk to a person about my rent."], "I want to talk to a person about my rent."),
        (["Can I talk to a human please?", "Yes."], ""),
        (["Repairs.", "No."], "Repairs."),
        ([], ""),
        ([""], ""),
    ],
)
def test_the_words_that_tell_best_what_the_call_is_about(said: list[str], told: str) -> None:
    assert briefing(said) == told


def test_a_caller_who_tells_everything_is_cut_short() -> None:
    told = briefing(["well and then " * 40])

    assert len(told.split()) == MOST_WORDS + 1
    assert told.endswith(" …")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("My card is 4111 1111 1111 1111.", "My card is a number."),
        ("Call me at +1 (415) 555-0123 please", "Call me at a number please"),
        ("It's four one five, five five five", "It's a number"),
        ("My password is swordfish and it fails. Help me.", "My password and it fails. Help me."),
        ("My passphrase is salt and vinegar", "My passphrase"),
        ("The code for the gate is blue horse.", "The code for the gate."),
        ("My password swordfish, it fails", "My password, it fails"),
        ("My PIN nine nine two one fails", "My PIN fails"),
        ("cvv 123 and the tap drips", "cvv and the tap drips"),
        ("my pin is 4 and 7 and 1 and 1, help", "my pin"),
        ("The gate code is blue horse; it fails", "The gate code; it fails"),
        ("My PIN is nine nine two one", "My PIN"),
        ("Write to jo.smith@example.com today", "Write to an address today"),
        ("Unit 4B on the 3rd floor leaks", "Unit 4B on the 3rd floor leaks"),
        ("One of the two keys is lost", "One of the two keys is lost"),
    ],
)
def test_what_could_be_a_secret_is_left_out(text: str, told: str) -> None:
    assert without_secrets(text) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "my card number is 4111 1111 1111 1111 and the drain smells of gas",
            "my card number and the drain smells of gas.",
        ),
        (
            "I need to cancel my password protected account because the boiler exploded",
            "I need to cancel my password protected account because the boiler exploded.",
        ),
        ("my pin is 4711, and I moved", "my pin, and I moved."),
        ("My account number is 12345678 and rent is due", "My account number and rent is due."),
        ("The error code is F28 on my boiler", "The error code is F28 on my boiler."),
        ("My password isn't working and I smell gas", "My password isn't working and I smell gas."),
    ],
)
def test_what_a_call_is_about_is_told_though_a_secret_stands_before_it(text: str, told: str) -> None:
    assert briefing([text]) == told


@pytest.mark.parametrize(
    "text",
    [
        "The tenant at 12 Main Street smells gas.",
        "The tenant at 1200 North Main Street smells gas.",
        "It's at twelve fifty five Elm Avenue.",
    ],
)
def test_the_address_to_go_to_is_told(text: str) -> None:
    assert briefing([text]) == text


def test_a_number_that_happens_to_stand_before_a_street_is_no_address() -> None:
    told = without_secrets("I typed 4711 on the street, and 4111 1111 1111 1111 Main Street")

    assert told == "I typed a number on the street, and a number Main Street"


@given(
    before=st.sampled_from(["", "it is ", "card: "]), number=st.integers(1000, 10**19), by=st.integers(1, 4)
)
def test_no_long_number_is_told_however_it_is_grouped(before: str, number: int, by: int) -> None:
    digits = str(number)
    grouped = " ".join(digits[place : place + by] for place in range(0, len(digits), by))

    told = without_secrets(f"{before}{grouped} thank you")

    assert not any(char.isdigit() for char in told)


@pytest.mark.parametrize(
    ("caller", "digits"),
    [
        ("+12025550123", "0 1 2 3"),
        (None, ""),
        ("sip:1000@example.com", ""),
        ("client:jo12345", ""),
        ("911", ""),
    ],
)
def test_a_number_is_known_by_its_end(caller: str | None, digits: str) -> None:
    assert last_digits(caller) == digits
