"""Twilio's documents: whatever an agent says and however it is set, Twilio would take them."""

from __future__ import annotations

from typing import get_args
from urllib.parse import parse_qs
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.twilio.twiml import (
    MAX_SAY_CHARS,
    PRESETS,
    Document,
    Listening,
    Writer,
    is_borne,
    say_parts,
    xml,
)
from handlers.wire.place import Place
from tests.builders import an_agent
from tests.handlers.twilio_door import SID, message
from voice.agents.agent import Agent
from voice.agents.speech import SpeechTable
from voice.agents.twilio import Preset, TtsProvider, TwilioLine
from voice.simulate.twiml import Gather, Say, Verb, read_twiml
from voice.turn.own import own_line
from voice.types import Chunk

ANYTHING = st.text(max_size=300)  # every character that Python knows, half of a pair, too
LINES = st.lists(ANYTHING | st.integers(3000, 70_000).map(lambda size: "<&é> " * (size // 5)), max_size=4)
HINTS = st.text(st.characters(exclude_characters=","), min_size=1, max_size=100).filter(str.isprintable)
PLAIN = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1)
AGENTS = st.builds(
    an_agent,
    language=st.sampled_from(["en-US", "de-DE"]),
    silence_s=st.floats(2, 60),
    twilio=st.builds(
        TwilioLine,
        preset=st.sampled_from(get_args(Preset)),
        voice=st.none() | st.just("Joanna-Neural"),
        tts_provider=st.sampled_from([None, *get_args(TtsProvider)]),
        hints=st.lists(HINTS, max_size=15).map(tuple),
        profanity_filter=st.booleans(),
        partials=st.booleans(),
    ),
)
PLACES = st.builds(
    Place, turn=st.integers(1, 999), missed=st.integers(0, 3), agent=st.sampled_from([None, "a.b"])
)


def read(document: Document) -> list[Verb]:
    """As Twilio would read it; raises where it would end the call."""
    answer = xml(document)
    assert bytes(answer.body).startswith(b"<?xml ")
    return read_twiml(answer.headers["content-type"], bytes(answer.body))


def spoken(verbs: list[Verb]) -> str:
    saying = [verb for verb in verbs if isinstance(verb, Say | Gather)]
    says = [verb.says if isinstance(verb, Gather) else (verb,) for verb in saying]
    return " ".join(say.text for some in says for say in some)


def gather_of(agent: Agent) -> dict[str, str]:
    """The attributes of the <Gather> that listens to an agent's caller."""
    element = ElementTree.fromstring(str(Writer(agent, None).ask(Place(1), "Yes?"))).find("Gather")
    assert element is not None
    return dict(element.attrib)


@given(agent=AGENTS, place=PLACES, lines=LINES)
def test_no_document_is_refused(agent: Agent, place: Place, lines: list[str]) -> None:
    write = Writer(agent, "https://voice.example.com")

    for document in (write.ask(place, *lines), write.go_on(place, *lines), write.end(*lines)):
        read(document)


@given(agent=AGENTS, place=PLACES, line=PLAIN)
def test_what_is_said_arrives_whole(agent: Agent, place: Place, line: str) -> None:
    assert (
        spoken(read(Writer(agent, None).ask(place, Chunk(line, line), "Is that right?")))
        == f"{line} Is that right?"
    )


def test_the_pieces_of_a_reply_are_said_in_one_breath() -> None:
    verbs = read(Writer(an_agent(), None).go_on(Place(1), "All right,", "somebody comes today."))

    assert verbs[0] == Say("All right, somebody comes today.")


@pytest.mark.parametrize(
    ("preset", "attributes"),
    [
        ("quick", {"speechTimeout": "auto", "timeout": "4"}),
        ("patient", {"speechTimeout": "2", "timeout": "4"}),
        ("numbers", {"speechTimeout": "3", "timeout": "4", "speechModel": "numbers_and_commands"}),
    ],
)
def test_a_preset_says_when_an_utterance_has_ended(preset: Preset, attributes: dict[str, str]) -> None:
    found = gather_of(an_agent(twilio=TwilioLine(preset=preset)))

    assert {name: found[name] for name in attributes} == attributes
    assert ("speechModel" in found) is ("speechModel" in attributes)
    assert found["input"] == "speech dtmf"


@pytest.mark.parametrize(
    ("silence_s", "rounds", "timeout"),
    [(1.0, 1, "1"), (4.0, 1, "4"), (6.0, 2, "3"), (8.0, 2, "4"), (30.0, 8, "4")],
)
def test_a_silence_is_borne_in_waits_that_are_short_enough_for_keys(
    silence_s: float, rounds: int, timeout: str
) -> None:
    agent = an_agent(silence_s=silence_s)

    borne = [is_borne(agent, Place(1, quiet=quiet)) for quiet in range(rounds)]
    assert borne == [True] * (rounds - 1) + [False]
    assert gather_of(agent)["timeout"] == timeout


@pytest.mark.parametrize(("pause_s", "model"), [(None, "phone_call"), (0, None), (0, "phone_call")])
def test_a_pair_that_twilio_refuses_cannot_be_written(pause_s: int | None, model: str | None) -> None:
    with pytest.raises(ValueError, match="Twilio takes"):
        Listening(pause_s, model)


def test_every_preset_of_an_agents_file_can_be_written() -> None:
    assert set(PRESETS) == set(get_args(Preset))


def test_a_detected_language_is_left_out_since_gather_knows_none() -> None:
    document = str(Writer(an_agent(language="multi"), None).ask(Place(1), "Yes?"))

    assert "language" not in document


def test_an_agents_hints_and_language_are_told() -> None:
    agent = an_agent(language="es-MX", twilio=TwilioLine(hints=("Arce", "la llave"), profanity_filter=False))

    found = gather_of(agent)

    assert (found["language"], found["hints"], found["profanityFilter"]) == (
        "es-MX",
        "Arce,la llave",
        "false",
    )


@pytest.mark.parametrize(
    ("provider", "voice"),
    [
        ("Amazon", "Polly.Joanna-Neural"),
        ("Google", "Google.Joanna-Neural"),
        ("ElevenLabs", None),
        (None, None),
    ],
)
def test_an_agent_speaks_in_its_voice_where_say_has_it(
    provider: TtsProvider | None, voice: str | None
) -> None:
    agent = an_agent(twilio=TwilioLine(voice="Joanna-Neural", tts_provider=provider))

    say = ElementTree.fromstring(str(Writer(agent, None).end("Goodbye."))).find("Say")

    assert say is not None
    assert say.get("voice") == voice


def test_partial_words_are_asked_for_unless_the_file_says_otherwise() -> None:
    told, untold = gather_of(an_agent()), gather_of(an_agent(twilio=TwilioLine(partials=False)))

    assert told["partialResultCallback"] == "/twilio/partial?turn=1"
    assert "partialResultCallback" not in untold


def test_more_than_a_document_holds_is_left_out() -> None:
    verbs = read(Writer(an_agent(), None).end(*[Chunk("<&> " * 1000, "")] * 40))

    assert 40_000 > len(spoken(verbs)) > 10_000


def test_a_long_text_is_cut_at_spaces_into_what_one_say_takes() -> None:
    parts = say_parts("Well, " * 2000 + "\x00\ud800done")

    assert all(len(part) <= MAX_SAY_CHARS for part in parts)
    assert " ".join(parts) == ("Well, " * 2000 + "done")
    assert [len(part) for part in say_parts("x" * 5000)] == [4096, 904]


@pytest.mark.parametrize(
    "place", [Place(), Place(3, 2, 1, "jamie"), Place(turn=1, agent="a&b=c d"), Place(1, 0)]
)
def test_a_place_survives_its_url(place: Place) -> None:
    found = {name: values[0] for name, values in parse_qs(place.query()).items()}

    assert Place.read(found) == place


@pytest.mark.parametrize("text", ["-1", "x", "", "²", "9999999", "1.5", " 1"])
def test_a_place_that_is_no_number_counts_as_absent(text: str) -> None:
    assert Place.read({"turn": text, "from": text, "missed": text}) == Place()


def test_the_recorded_messages_are_about_one_call() -> None:
    names = ("voice", "gather", "gather_digits", "gather_empty", "partial", "dialled", "status")

    assert {message(name)["CallSid"] for name in names} == {SID}


@given(texts=st.lists(st.text(alphabet="ab &<>\x00é🎉.", max_size=60), max_size=6), size=st.integers(1, 3000))
def test_tags_stand_whole_however_much_is_said(texts: list[str], size: int) -> None:
    agent = an_agent(
        twilio=TwilioLine(tts_provider="Amazon", voice="Joanna"), speech=SpeechTable(markup="ssml")
    )
    spelled = own_line(agent, "Call 512-555-0134.")
    lines = [Chunk(f"{text} " * size, "") for text in texts]

    document = Writer(agent, None).end(*(one for line in lines for one in (line, spelled)))

    says = [verb.text for verb in read(document) if isinstance(verb, Say)]
    assert len(str(document).encode()) < 64 * 1024
    assert all(len(say) <= 4096 for say in says)
    if size < 100:
        assert " ".join(says).count("512, 555, 0134") == len(texts)
