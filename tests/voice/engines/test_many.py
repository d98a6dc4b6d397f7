"""Several models in one worker."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from voice.engines.found import LORA, Found
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


def an_adapter(folder: Path, name: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / LORA).write_text("{}", encoding="utf-8")


async def test_a_model_that_is_put_there_while_the_worker_runs_is_loaded_once_for_all_who_ask(tmp_path: Path):
    made: list[str] = []

    def make(folder: Path) -> ScriptedEngine:
        made.append(folder.name)
        return ScriptedEngine((f"I am {folder.name}.",))

    engine = Many({"jamie": ScriptedEngine(("I am Jamie.",))}, Found(tmp_path, look_s=0.0), make)
    await engine.start()
    with pytest.raises(UnknownModel, match="'rosa'"):
        await written(engine, "rosa")

    an_adapter(tmp_path, "rosa")
    said = await asyncio.gather(written(engine, "rosa"), written(engine, "rosa"), written(engine, None))

    assert said == ["I am rosa.", "I am rosa.", "I am Jamie."]
    assert (made, engine.models) == (["rosa"], ("jamie", "rosa"))


async def test_a_found_model_that_cannot_be_loaded_fails_its_own_jobs_and_is_tried_again(tmp_path: Path):
    an_adapter(tmp_path, "rosa")
    engines: list[ScriptedEngine] = [Unloadable(), ScriptedEngine(("I am Rosa.",))]
    engine = Many({"jamie": ScriptedEngine()}, Found(tmp_path), lambda _: engines.pop(0))
    await engine.start()

    with pytest.raises(EngineDied):
        await written(engine, "rosa")

    assert engine.ready()
    assert await written(engine, "rosa") == "I am Rosa."


async def test_a_job_that_leaves_does_not_stop_the_loading_for_the_next(tmp_path: Path):
    may_load, loading = asyncio.Event(), asyncio.Event()

    class Slow(ScriptedEngine):
        async def start(self) -> None:
            loading.set()
            await may_load.wait()
            await super().start()

    an_adapter(tmp_path, "rosa")
    engines = [Slow(("I am Rosa.",))]
    engine = Many({"jamie": ScriptedEngine()}, Found(tmp_path), lambda _: engines.pop(0))
    await engine.start()
    first = asyncio.create_task(written(engine, "rosa"))
    await loading.wait()
    first.cancel()
    second = asyncio.create_task(written(engine, "rosa"))
    await asyncio.sleep(0)
    may_load.set()

    assert await second == "I am Rosa."
