"""The `[vapi]` table: what is read, and what ends the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.voice.agents.test_twilio_line import HEAD, written
from voice.agents.load import read_agent
from voice.errors import AgentFileError


def test_an_agents_own_voice_is_read(tmp_path: Path) -> None:
    agent = read_agent(written(tmp_path, HEAD + '[vapi]\nvoice = "11labs/Rachel"'), [])

    assert agent.vapi.voice == "11labs/Rachel"


def test_without_one_the_settings_decide(tmp_path: Path) -> None:
    assert read_agent(written(tmp_path, HEAD), []).vapi.voice is None


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("vapi = 3", "vapi: 3 is not a table; write [vapi] on a line of its own"),
        ('[vapi]\nvioce = "vapi/Elliot"', "vapi.vioce: no such key; write voice"),
        ('[vapi]\nvoice = "Elliot"', "vapi.voice: 'Elliot' is no voice; write voice = \"PROVIDER/VOICE_ID\""),
        ("[vapi]\nvoice = 7", "vapi.voice: 7 is not text"),
    ],
)
def test_a_voice_that_vapi_would_refuse_ends_the_start(tmp_path: Path, table: str, says: str) -> None:
    with pytest.raises(AgentFileError) as told:
        read_agent(written(tmp_path, HEAD + table), [])

    assert says in str(told.value)
