"""Builders of the things that most tests need: only what a test names matters to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from voice.agents.agent import Agent
from voice.brain import Brain
from voice.clock import Budget, Deadline, now
from voice.events import Bus, Event
from voice.models.base import ModelClient
from voice.routing.table import Price, Route
from voice.settings import Settings, load_settings
from voice.store.base import Store
from voice.store.memory import MemoryStore
from voice.telemetry.event_lines import write_lines
from voice.turn.live import LiveTurn
from voice.types import CallId, Chunk, Ending, Message, Prompt, Turn, Utterance

AN_ENDLESS_REPLY = " ".join(f"Item {number} is on my list." for number in range(1000))


def a_prompt(words: str = "My sink leaks.", call_id: str | None = None) -> Prompt:
    return Prompt(
        (Message("system", "You are Jamie."), Message("user", words)),
        call_id=CallId(call_id) if call_id else None,
    )


def a_deadline(first_chunk_s: float = 1.2, reply_s: float = 8.0) -> Deadline:
    return Budget(first_chunk_s=first_chunk_s, reply_s=reply_s).deadline(now())


def an_agent(**changes: object) -> Agent:
    fields: dict[str, object] = {
        "name": "jamie",
        "persona": "You are Jamie.",
        "greeting": "Hello, this is Jamie.",
        "fallbacks": ("Sorry, say that again?", "Please hold on."),
        "fillers": ("One moment.",),
    }
    return Agent(**{**fields, **changes})  # type: ignore[arg-type]  # a builder takes what a test names


def an_utterance(text: str = "My sink leaks.", key: str | None = None) -> Utterance:
    return Utterance(text, heard_at=now(), key=key)


def a_turn(said: str = "My sink leaks.", spoken: str = "Which unit?", **changes: object) -> Turn:
    turn = Turn(0, said, "key", sent=spoken, spoken=spoken, ending=Ending.ANSWERED)
    for name, value in changes.items():
        setattr(turn, name, value)
    return turn


def settings_from(folder: Path, **changes: object) -> Settings:
    """Settings whose files and database are in `folder`."""
    return load_settings(folder, **{"data_dir": folder / "data", **changes})


def a_route(
    client: ModelClient,
    *,
    usually_s: Sequence[float] = (),
    is_local: bool = False,
    price: Price | None = None,
) -> Route:
    """A route; `usually_s` are the times to its first clause that it has learned, over and over."""
    route = Route(client, is_local=is_local, price=price)
    for took_s in [*usually_s] * (100 // max(1, len(usually_s))):
        route.latency.saw("clause", took_s)
    return route


@asynccontextmanager
async def a_brain(
    *clients: ModelClient | Route,
    store: Store | None = None,
    events: list[Event] | None = None,
    **settings: object,
) -> AsyncIterator[Brain]:
    """A brain with these model clients, in memory unless a store is given."""
    brain = Brain.open(
        load_settings(Path("/nonexistent"), **settings), clients=clients, store=store or MemoryStore()
    )
    if events is not None:
        brain.bus.subscribe(events.append)
    async with brain:
        yield brain


async def chunks_of(live: LiveTurn) -> list[Chunk]:
    return [chunk async for chunk in live.listen()]


async def words_of(live: LiveTurn) -> str:
    return " ".join(chunk.text for chunk in await chunks_of(live))


async def all_of(*lives: LiveTurn) -> Sequence[str]:
    return await asyncio.gather(*(words_of(live) for live in lives))


def write_line(event: Event) -> None:
    """Write down what the log says of an event."""
    bus = Bus()
    write_lines(bus)
    bus.publish(event)
