"""`[speech]`: how an agent's voices are told to spell."""

from __future__ import annotations

from pathlib import Path

import pytest

from voice.agents.agent import Agent
from voice.agents.doubts import doubts
from voice.agents.load import read_agent
from voice.errors import AgentFileError
from voice.types import Door

GOOD = 'name = "sam"\npersona = "You are Sam."\ngreeting = "Hello."\nfallbacks = ["Once more?"]\n'
POLLY = '[twilio]\ntts_provider = "Amazon"\nvoice = "Joanna-Neural"\n'


def read(folder: Path, tables: str) -> Agent:
    path = folder / "sam.toml"
    path.write_text(GOOD + tables, encoding="utf-8")
    return read_agent(path, [])


def at(agent: Agent, door: Door, language: str = "en-US") -> str:
    return agent.speech.at(door, agent.twilio, language)


def test_voices_are_given_plain_words_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    agent = read(tmp_path, "")

    assert {at(agent, door) for door in Door} == {"plain"}


def test_one_key_is_for_every_door_whose_voice_takes_it(tmp_path: Path) -> None:
    agent = read(tmp_path, f'{POLLY}[speech]\nmarkup = "ssml"\n')

    tagged = [door for door in Door if at(agent, door) == "ssml"]
    assert tagged == [Door.VAPI, Door.GATHER, Door.RELAY]


def test_a_door_may_be_named(tmp_path: Path) -> None:
    agent = read(tmp_path, f'{POLLY}[speech]\nmarkup = "ssml"\nvapi = "spell"\nrelay = "plain"\n')

    assert [at(agent, door) for door in (Door.VAPI, Door.GATHER, Door.RELAY)] == ["spell", "ssml", "plain"]


def test_spell_is_no_tag_of_twilios(tmp_path: Path) -> None:
    agent = read(tmp_path, f'{POLLY}[speech]\nmarkup = "spell"\n')

    assert [at(agent, door) for door in (Door.VAPI, Door.GATHER, Door.RELAY)] == ["spell", "plain", "plain"]


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        (
            '[speech]\nmarkup = "polly"\n',
            'speech.markup: \'polly\' is not a choice; write "plain", "ssml" or "spell"',
        ),
        ('[speech]\nrelay = "spell"\n', 'speech.relay: \'spell\' is not a choice; write "plain" or "ssml"'),
        ("[speech]\nmark = 1\n", "speech.mark: no such key; write markup"),
        ('[speech]\nrelay = "ssml"\n', "speech.relay: needs a voice that takes SSML; write tts_provider"),
        ('[speech]\ngather = "ssml"\n', "speech.gather: needs a voice that takes SSML; write tts_provider"),
        ('[speech]\ngather = "ssml"\n[twilio]\ntts_provider = "Google"\n', "speech.gather: needs a voice"),
    ],
)
def test_what_no_voice_takes_ends_the_start_with_what_to_write(
    tmp_path: Path, tables: str, told: str
) -> None:
    with pytest.raises(AgentFileError) as caught:
        read(tmp_path, tables)

    assert told in str(caught.value)


def test_what_changes_nothing_is_doubted(tmp_path: Path) -> None:
    ssml = list(doubts(read(tmp_path, '[speech]\nmarkup = "ssml"\n')))
    spell = list(doubts(read(tmp_path, '[speech]\nmarkup = "spell"\nvapi = "plain"\n')))

    assert "at Twilio codes are said in plain words" in ssml[0]
    assert "no door is left" in spell[0]
