"""What the scripted model can be told to play."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders import a_deadline, a_prompt
from voice.models.base import Health
from voice.models.scripted import ScriptedClient
from voice.types import Finish

BEGUN = replace(a_prompt(), so_far="Which unit")


@pytest.mark.parametrize(
    ("client", "words"),
    [
        (ScriptedClient(reply="Which unit are you in?"), " are you in?"),
        (ScriptedClient(reply="Good morning."), "Good morning."),
        (ScriptedClient(reply="Which unit are you in?", goes_on=" is it?"), " is it?"),
        (ScriptedClient(goes_on=lambda prompt: f" behind {prompt.so_far}"), " behind Which unit"),
    ],
)
async def test_a_reply_that_was_begun_is_gone_on_with(client: ScriptedClient, words: str) -> None:
    heard: list[str] = []

    await client.write(BEGUN, a_deadline(), heard.append)

    assert "".join(heard) == words
    assert all(piece.strip() for piece in heard)


async def test_a_finish_says_what_it_was_told_to_say() -> None:
    client = ScriptedClient(reply="Which unit?", finish=Finish("length", queued_s=2.0, busy_s=0.5))

    finish = await client.write(a_prompt(), a_deadline(), lambda _: None)

    assert (finish.reason, finish.queued_s, finish.busy_s) == ("length", 2.0, 0.5)
    assert finish.usage.completion_tokens == 2


async def test_rings_are_counted_and_the_hosts_state_is_told() -> None:
    client = ScriptedClient(told=Health("cold"))

    assert await client.wake()
    assert client.woken == 1
    assert client.told() == Health("cold")
    assert ScriptedClient().told() is None
