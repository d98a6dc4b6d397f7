"""Call: the state of one live call. What is done with it is decided in `calls` and `turn/`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from voice.agents.agent import Agent
from voice.events import Event
from voice.routing.hedging import HedgePurse
from voice.routing.table import Route
from voice.threads.thread import Thread
from voice.tools.base import Tool
from voice.turn.live import LiveTurn
from voice.types import Action, CallId, CallRecord, Effect, Message, Note, ToolCall, ToolSpec


class Closable(Protocol):
    """Something of a turn that is closed at once when the turn is stopped."""

    def close(self) -> None: ...


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
    purse: HedgePurse
    tools: Mapping[str, Tool]
    publish: Callable[[Event], None]
    note: Callable[[Note], None]
    spawn: Spawn
    line: str | None = None  # the number that was called; doors that are told of it set it
    system: str | None = None
    as_is: tuple[Message, ...] | None = None
    live: LiveTurn | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)
    touched_at: float = 0.0
    heard_at: float | None = None  # when the newest utterance was heard; None after a restart
    fallbacks_said: int = 0  # in a row
    fillers_said: int = 0
    filled_at: float | None = None  # when the newest filler was said
    askings: list[Closable] = field(default_factory=list, repr=False)  # of the turn in flight
    # By what tells two uses apart.
    tool_answers: dict[str, asyncio.Future[str | Effect]] = field(default_factory=dict)
    tools_asked: dict[str, ToolCall] = field(default_factory=dict)
    tools_failed: set[str] = field(default_factory=set)  # refused ones, too
    tools_accepted: set[str] = field(default_factory=set)  # whose answer was taken by whoever asked
    actions: frozenset[Action] = frozenset()  # what the door of the turn in flight can do to the call
    platform_tools: tuple[ToolSpec, ...] = ()  # tools of the newest request that its platform runs
    is_remembered: bool = True  # False while the store could not be asked for the call's past

    @property
    def call_id(self) -> CallId:
        return self.record.call_id
