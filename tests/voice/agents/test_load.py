from __future__ import annotations

from pathlib import Path

import pytest

from voice.agents.load import load_agents, read_agent
from voice.errors import AgentFileError, UnknownAgent
from voice.tools.all import TOOLS

GOOD = """
name = "sam"
persona = "You are Sam."
greeting = "Hello."
fallbacks = ["Once more, please?"]
"""


def written(folder: Path, text: str, name: str = "sam.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_jamie_answers_by_default() -> None:
    agents = load_agents(None, "jamie", TOOLS)

    assert agents.default.name == "jamie"
    assert agents.default.budget.first_chunk_s == 1.2


def test_a_file_needs_no_more_than_who_speaks_and_what_is_said_when_nothing_works(tmp_path: Path) -> None:
    agent = read_agent(written(tmp_path, GOOD), [])

    assert (agent.name, agent.fallbacks) == ("sam", ("Once more, please?",))


def test_a_reply_that_nobody_can_finish_ends_politely_without_any_key_for_it(tmp_path: Path) -> None:
    agent = read_agent(written(tmp_path, GOOD), [])

    assert agent.breaks_off == "… sorry, I lost my thread there. Could you say that once more?"


def test_an_agent_breaks_off_in_its_own_words(tmp_path: Path) -> None:
    agent = read_agent(written(tmp_path, GOOD + 'breaks_off = "… pardon?"'), [])

    assert agent.breaks_off == "… pardon?"


def test_an_agent_has_fillers_for_what_was_said(tmp_path: Path) -> None:
    lines = 'fillers = ["One moment."]\n[fillers_for]\nquestion = ["Let me see. "]\ndetail = []'
    agent = read_agent(written(tmp_path, GOOD + lines), [])

    assert agent.fillers_for == {"question": ("Let me see.",)}


def test_ones_own_agent_wins_over_a_built_in_one_of_the_same_name(tmp_path: Path) -> None:
    written(tmp_path, GOOD.replace("sam", "jamie"))

    assert load_agents(tmp_path, "jamie", TOOLS).default.greeting == "Hello."


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (GOOD.replace('greeting = "Hello."', ""), 'greeting: is missing; write greeting = "…"'),
        (GOOD.replace('"sam"', '"sam smith/x"'), "name: 'sam smith/x' cannot stand in a URL"),
        (GOOD.replace('"Hello."', "5"), 'greeting: 5 is not text; write greeting = "…"'),
        (GOOD + 'greating = "Hi"', "greating: no such key; write greeting"),
        (
            GOOD.replace('["Once more, please?"]', "[]"),
            "fallbacks: is empty, so a caller could be left in silence",
        ),
        (GOOD + 'tools = ["tickets"]', "tools[0]: 'tickets' is no tool; write some of \"ticket\""),
        (GOOD + 'system = "mine"', "system: 'mine' is not a choice"),
        (
            GOOD + "[budgets]\nfirst_chunk_ms = 0",
            "budgets.first_chunk_ms: 0 does not fit; write a whole number from 100",
        ),
        (GOOD + "[budgets]\ngather_hop_ms = 15000", "budgets.gather_hop_ms: 15000 does not fit"),
        (GOOD + '[budgets]\ngap_ms = "long"', "budgets.gap_ms: 'long' does not fit"),
        (
            GOOD + "[budgets]\nfirst_chunk_ms = 9000\nreply_ms = 800",
            "budgets.reply_ms: ends before the first chunk",
        ),
        (GOOD + "[model]\ntemperature = 7", "model.temperature: 7 does not fit; write a number from 0 to 2"),
        (GOOD + "budgets = 3", "budgets: 3 is not a table"),
        (GOOD + "breaks_off = 5", 'breaks_off: 5 is not text; write breaks_off = "…"'),
        (GOOD + 'breaks_off = " "', "breaks_off: ' ' is not text"),
        (GOOD + 'break_off = "Sorry?"', "break_off: no such key; write breaks_off"),
        (GOOD + 'fillers_for = ["One moment."]', "fillers_for: ['One moment.'] is not a table"),
        (
            GOOD + '[fillers_for]\nquestions = ["Let me see."]',
            "fillers_for.questions: no such key; write question",
        ),
        (
            GOOD + 'fillers = ["One moment."]\n[fillers_for]\ndetail = "Thank you."',
            "fillers_for.detail: 'Thank you.' is not a list of lines",
        ),
        (
            GOOD + 'fillers = ["One moment."]\n[fillers_for]\ndetail = ["Thank you.", " "]',
            "fillers_for.detail: ['Thank you.', ' '] is not a list of lines",
        ),
        (
            GOOD + '[fillers_for]\nquestion = ["Let me see."]',
            "fillers: is missing, so other utterances have no line",
        ),
        (GOOD + 'language = "English"', "language: 'English' is no language; write language = \"en-US\""),
        (GOOD + 'language = "en\\b"', "is no language"),
        ("name = ", "is not TOML"),
    ],
)
def test_a_broken_file_is_refused_with_its_name_the_keys_path_and_what_to_write(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = written(tmp_path, text)

    with pytest.raises(AgentFileError) as caught:
        read_agent(path, ["ticket"])

    assert str(path) in str(caught.value)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_files_with_one_name_are_refused(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    written(tmp_path, GOOD, "other.toml")

    with pytest.raises(AgentFileError, match=r"is also the name in other\.toml"):
        load_agents(tmp_path, "sam", TOOLS)


def test_a_default_agent_that_is_not_there_is_refused() -> None:
    with pytest.raises(AgentFileError, match="OFFHOOK_AGENT is 'kim', but no file has that name"):
        load_agents(None, "kim", TOOLS)


def test_an_unknown_agent_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownAgent, match="there are: jamie"):
        load_agents(None, "jamie", TOOLS).get("kim")


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(AgentFileError, match="persona, greeting, fallbacks: are missing; write persona = "):
        read_agent(written(tmp_path, 'name = "sam"'), TOOLS)


def test_a_tool_is_listed_once(tmp_path: Path) -> None:
    with pytest.raises(AgentFileError, match=r"tools\[2\]: 'ticket' is listed twice; write each tool once"):
        read_agent(written(tmp_path, GOOD + 'tools = ["ticket", "callback", "ticket"]'), TOOLS)


@pytest.mark.parametrize("name", ["kim", "sam"])
def test_an_agent_hands_calls_to_others_that_are_there(tmp_path: Path, name: str) -> None:
    written(tmp_path, GOOD + f'tools = ["handoff"]\n[handoff.x]\nagent = "{name}"\nfor = "bills"\n')

    with pytest.raises(
        AgentFileError, match=r"sam.toml: handoff.x.agent: .*; write the name of another: jamie"
    ):
        load_agents(tmp_path, "jamie", TOOLS)
