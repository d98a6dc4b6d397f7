"""An agent's `[lexicon]`: names that are said otherwise than they are written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from voice.agents.load import read_agent
from voice.errors import AgentFileError

AGENT = 'name = "ava"\npersona = "x"\ngreeting = "Hi."\nfallbacks = ["Sorry?"]\n'


def read(folder: Path, lexicon: str) -> tuple[tuple[str, str], ...]:
    file = folder / "ava.toml"
    file.write_text(AGENT + lexicon, encoding="utf-8")
    return read_agent(file, ()).lexicon


def test_names_and_how_they_are_said_stand_in_a_table(tmp_path: Path) -> None:
    assert read(tmp_path, '[lexicon]\n"Guadalupe St." = "Gwada loop Street"\nXcel = "ex cell"\n') == (
        ("Guadalupe St.", "Gwada loop Street"),
        ("Xcel", "ex cell"),
    )


def test_an_agent_needs_no_lexicon(tmp_path: Path) -> None:
    assert read(tmp_path, "") == ()


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("lexicon = 5\n", "lexicon: must be a table"),
        ("[lexicon]\nXcel = 5\n", "lexicon.Xcel: must be a text"),
        ('[lexicon]\nXcel = " "\n', "lexicon.Xcel: must be a text"),
        ('[lexicon]\n"" = "x"\n', "lexicon.?: must be a text"),
    ],
)
def test_a_lexicon_that_cannot_be_used_is_refused_with_what_to_write(
    tmp_path: Path, table: str, says: str
) -> None:
    with pytest.raises(AgentFileError, match=re.escape(says)):
        read(tmp_path, table)
