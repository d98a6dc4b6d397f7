"""What only sounds technical is said: an odd word is better than silence."""

from __future__ import annotations

import pytest

from voice.speech.aloud import written
from voice.speech.chunk import Chunker
from voice.speech.technical import instructions_in

HONEST = [
    "Your tour starts at Oakridge (2:30 pm) on Tuesday.",
    "We can meet tomorrow at Zilker (9:00 am) if you like.",
    "Let me think about that. We have a two-bedroom at $900. I can book you Tuesday.",
    "Let me think about what we can do.",
    "I'll reply by email. They will fix it Tuesday. So you are all set.",
    "I see the caller was told to wait. We can see you at 3. I have it noted.",
    "According to my system, your rent is paid.",
    "According to the instructions, you hold the button.",
    "Based on the history of your account, nothing is due.",
    "The response should arrive by Friday.",
    "The reply should be with you by Friday.",
    "I'll answer in a minute. I'll reply as soon as I can.",
    "The caller has to press 1. The caller may press 0 any time.",
    "The user needs to hold the button. The user's name is Kim.",
    "I need to ask you for a reply by Friday.",
    "I should respond to your email by Friday.",
    "I have to say that is a good answer.",
    "The rent is $1,250; the answer should come Friday.",
    "The rent, according to the history of the account, is $900.",
    "The form has two fields, User: and Password:, at the top.",
    "Please enter the following. User: kim.",
    "There is one clause, Exception: pets under 10 pounds.",
    "Action: sign the lease today. Observation: the pool closes at 10.",
    "Analysis: your payment posted.",
    "Error 404 on the thermostat means it is off.",
    "WARNING: the floor is wet.",
    "Bad Gateway Road is closed. Not found. Forbidden.",
    "Ticket MNT-1042 has status IN_PROGRESS.",
    "Here is the deal: you pay on Friday.",
    "The tool shed is open, I must say.",
]


def said(reply: str, size: int = 3, prompt: str = "") -> str:
    """What the caller hears of a reply that comes in pieces."""
    chunker = Chunker(instructions=instructions_in(prompt))
    chunks = [chunk for at in range(0, len(reply), size) for chunk in chunker.feed(reply[at : at + size])]
    return " ".join(chunk.text for chunk in [*chunks, *chunker.end()])


@pytest.mark.parametrize("reply", HONEST)
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_honest_speech_is_said_to_its_last_word(reply: str, size: int) -> None:
    assert said(reply, size) == reply


@pytest.mark.parametrize("reply", HONEST)
def test_honest_speech_is_whole_when_it_is_read_at_once(reply: str) -> None:
    assert written(reply) == reply


@pytest.mark.parametrize(
    ("reply", "left"),
    [
        ("In <context> of the rent. Nice. More.", "In Nice. More."),
        ("It was denied because <reason>. You may ask again.", "It was denied because You may ask again."),
        ("It is <del>ten. Nine it is.", "It is Nine it is."),
        ("Call { me. I am here all day. Bye.", "Call me. I am here all day. Bye."),
        ('The rent ["base" rent] is $900. More.', 'The rent "base" rent is $900. More.'),
        ("We see [a(b) c] and [he(r)] so.", "We see a(b) c and he(r) so."),
        ("Press <Tab>, then the <Enter> key.", "Press Tab, then the Enter key."),
    ],
)
def test_one_stray_mark_does_not_hide_the_rest_of_a_reply(reply: str, left: str) -> None:
    assert said(reply) == left


def test_a_dropped_sentence_takes_no_other_with_it() -> None:
    reply = "The user wants to know when rent is due. Rent is due on the first. They fix it on Tuesday."

    assert said(reply) == "Rent is due on the first. They fix it on Tuesday."


@pytest.mark.parametrize(
    ("reply", "left"),
    [
        (
            "Log in with:\nUser: kim\nPassword: oak\nThat is all.",
            "Log in with: User: kim. Password: oak. That is all.",
        ),
        ("Ticket 12.\nCustomer: Kim Lee\nIssue: leak\n", "Ticket 12. Customer: Kim Lee. Issue: leak."),
    ],
)
def test_a_form_that_is_read_back_is_no_other_persons_part(reply: str, left: str) -> None:
    heard = said(reply).replace(".", "")

    assert heard == left.replace(".", "")


def test_a_thought_that_ends_with_its_line_leaves_the_next_line() -> None:
    assert said("The user wants the rent\nRent is $900.\n") == "Rent is $900."


@pytest.mark.parametrize(
    "fact",
    [
        "You can pay online at oak.com.",
        "You can reach the office at (512) 555-0134.",
        "You may have two pets per unit.",
        "You must give us 60 days of notice.",
        "Never leave children alone at the pool.",
        "Do not park on the grass.",
        "Ask for Kim at the front desk.",
        "Never share your code with anyone.",
    ],
)
def test_a_fact_of_the_prompt_is_said_though_it_says_you(fact: str) -> None:
    assert (
        said(f"Sure thing. {fact}", prompt=f"You are Jamie of Maple Court. {fact}") == f"Sure thing. {fact}"
    )


@pytest.mark.parametrize(
    "instruction",
    [
        "You are Jamie and answer the telephone.",
        "Never promise a price or a date.",
        "Your replies have two short sentences.",
        "You must not mention other tenants.",
        "Ask the caller for the unit.",
    ],
)
def test_an_instruction_of_the_prompt_is_not_said(instruction: str) -> None:
    assert said(f"{instruction} Rent is due.", prompt=f"{instruction} Rent is $900.") == "Rent is due."
