"""Call: the state of one live call. What is done with it is decided in `calls` and `turn/`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from voice.agents.agent import Agent
from voice.events import Event
from voice.routing.table import Route
from voice.threads.thread import Thread
from voice.tools.base import Tool
from voice.turn.live import LiveTurn
from voice.types import CallId, CallRecord, Message, Note

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Starts work that may outlast the turn but not the product: a loser's cancellation at its host."""


@dataclass(slots=True)
class Call:
    """A call from ring to hang-up, as its one owner sees it.

    `system` is the newest system message that came with a request. `as_is` holds the messages of a
    request that named a route instead of an agent: they go to the model as they are.
    """

    record: CallRecord
    agent: Agent
    thread: Thread
    routes: Sequence[Route]
    tools: Mapping[str, Tool]
    publish: Callable[[Event], None]
    note: Callable[[Note], None]
    spawn: Spawn
    system: str | None = None
    as_is: tuple[Message, ...] | None = None
    live: LiveTurn | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)
    touched_at: float = 0.0
    fallbacks_said: int = 0  # in a row
    fillers_said: int = 0
    tool_answers: dict[str, asyncio.Future[str]] = field(default_factory=dict)  # by what tells two uses apart
    is_remembered: bool = True  # False while the store could not be asked for the call's past

    @property
    def call_id(self) -> CallId:
        return self.record.call_id
