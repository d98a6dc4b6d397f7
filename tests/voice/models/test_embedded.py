"""What the embedded client makes of an engine's errors."""

from __future__ import annotations

import pytest

from tests.builders import a_deadline, a_prompt
from voice.engines.scripted import ScriptedEngine
from voice.errors import BadJob, EngineDied, ModelError, ReplyBroken, RouteRefused
from voice.models.embedded import EmbeddedClient


@pytest.mark.parametrize(
    ("pieces", "error", "told"),
    [
        ((), BadJob("the last message is too long."), RouteRefused),
        ((), EngineDied("gone"), EngineDied),
        (("Which",), EngineDied("gone"), ReplyBroken),
        ((" ",), EngineDied("gone"), EngineDied),  # nothing that a caller could have heard
    ],
)
async def test_an_engines_error_becomes_the_routes(
    pieces: tuple[str, ...], error: Exception, told: type[ModelError]
) -> None:
    client = EmbeddedClient("embedded", ScriptedEngine(pieces, error=error))
    await client.open()

    with pytest.raises(told, match="embedded"):
        await client.write(a_prompt(), a_deadline(), lambda _: None)


async def test_a_client_whose_engine_is_gone_says_so() -> None:
    client = EmbeddedClient("embedded", ScriptedEngine())
    await client.open()
    await client.close()

    with pytest.raises(EngineDied):
        await client.write(a_prompt(), a_deadline(), lambda _: None)
    assert (await client.health()).state == "broken"


async def test_what_the_model_thinks_aloud_is_not_heard() -> None:
    heard: list[str] = []
    client = EmbeddedClient("embedded", ScriptedEngine(("<thi", "nk>Hm.</think>", "Which unit?")))
    await client.open()

    await client.write(a_prompt(), a_deadline(), heard.append)

    assert heard == ["Which unit?"]


async def test_nothing_need_be_woken_and_nothing_is_told() -> None:
    client = EmbeddedClient("embedded", ScriptedEngine())
    await client.open()

    assert not await client.wake()
    assert client.told() is None
