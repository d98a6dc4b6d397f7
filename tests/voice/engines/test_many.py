"""Several models in one worker."""

from __future__ import annotations

import pytest

from voice.engines.many import Many
from voice.engines.scripted import ScriptedEngine
from voice.errors import EngineDied, UnknownModel
from voice.types import Finish, Hear, Message, Prompt

PROMPT = Prompt((Message("user", "Hello."),))


class Unloadable(ScriptedEngine):
    """Cannot be loaded."""

    async def start(self) -> None:
        raise EngineDied("no such folder: /models/rosa")


async def written(engine: Many, model: str | None) -> str:
    pieces: list[str] = []
    hear: Hear = pieces.append
    finish = await engine.write(PROMPT, hear, model)
    assert isinstance(finish, Finish)
    return "".join(pieces)


async def test_each_job_is_written_by_the_model_it_names_and_else_by_the_first():
    engine = Many({"jamie": ScriptedEngine(("I am Jamie.",)), "rosa": ScriptedEngine(("I am Rosa.",))})
    await engine.start()

    assert await written(engine, "rosa") == "I am Rosa."
    assert await written(engine, None) == "I am Jamie."
    assert engine.models == ("jamie", "rosa")
    with pytest.raises(UnknownModel, match="'gpt-4'"):
        await written(engine, "gpt-4")


async def test_a_model_that_cannot_be_loaded_takes_the_others_down_with_it():
    jamie = ScriptedEngine()
    engine = Many({"jamie": jamie, "rosa": Unloadable()})

    with pytest.raises(EngineDied, match="/models/rosa"):
        await engine.start()

    assert not jamie.ready()
