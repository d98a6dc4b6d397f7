"""Who is asked for an agent of another language: nobody who does not speak it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import a_brain, a_deadline, an_utterance, settings_from, words_of
from tests.conftest import VirtualTime
from voice.brain import Brain
from voice.events import Event, RouteFailed
from voice.models.scripted import ScriptedClient
from voice.routing.table import Route
from voice.types import CallId, Door

SOFIA = """
name = "sofia"
language = "{language}"
persona = "Eres Sofia."
greeting = "Hola."
fallbacks = ["¿Me lo repite, por favor?"]
"""
C1 = CallId("c1")


async def said_by(brain: Brain) -> str:
    call = await brain.calls.pick_up(C1, Door.CHAT, agent="sofia")
    return await words_of(await brain.calls.hear(call, an_utterance("Hay una fuga."), a_deadline()))


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("es-MX", "¿Me lo repite, por favor?"),
        ("en-US", "Which unit?"),
        ("EN", "Which unit?"),
        ("multi", "Which unit?"),
    ],
)
async def test_a_route_of_another_language_is_not_asked_and_the_agents_own_line_is_said(
    virtual_time: VirtualTime, tmp_path: Path, language: str, says: str
) -> None:
    (tmp_path / "sofia.toml").write_text(SOFIA.format(language=language), encoding="utf-8")
    english = Route(ScriptedClient(reply="Which unit?"), is_local=True, language="en")

    async with a_brain(english, agents_dir=tmp_path) as brain:
        said = await said_by(brain)

    assert said == says


async def test_others_answer_as_before(virtual_time: VirtualTime, tmp_path: Path) -> None:
    (tmp_path / "sofia.toml").write_text(SOFIA.format(language="es-ES"), encoding="utf-8")
    english = Route(ScriptedClient("box", reply="Which unit?"), is_local=True, language="en")

    async with a_brain(english, ScriptedClient("big", reply="¿Qué piso?"), agents_dir=tmp_path) as brain:
        said = await said_by(brain)

    assert said == "¿Qué piso?"


async def test_the_model_in_the_box_is_known_to_speak_english_only(tmp_path: Path) -> None:
    server = {"llm_endpoint": "http://127.0.0.1:9/v1", "llm_model": "m"}
    async with Brain.open(settings_from(tmp_path, database_url="memory://", **server)) as brain:
        languages = {route.name: route.language for route in brain.routes}

    assert languages == {"llm": None, "embedded": "en"}


@pytest.mark.parametrize(
    ("reply", "error", "hint"),
    [
        ('{"intent": "repair", "unit": "4B"}', "OnlyJson", "plain words"),
        ('```json\n[{"intent": "repair"}]\n```', "OnlyJson", "plain words"),
        ("<think>A leak.</think>", "EmptyReply", "stop words"),
    ],
)
async def test_a_reply_of_json_alone_is_named_as_such(
    virtual_time: VirtualTime, reply: str, error: str, hint: str
) -> None:
    events: list[Event] = []
    async with a_brain(ScriptedClient(reply=reply), events=events) as brain:
        call = await brain.calls.pick_up(C1, Door.CHAT)
        await words_of(await brain.calls.hear(call, an_utterance(), a_deadline()))

    failed = next(event for event in events if isinstance(event, RouteFailed))
    assert failed.error == error
    assert hint in failed.to_do
