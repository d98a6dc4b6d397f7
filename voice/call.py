"""Call: the state of one live call. What is done with it is decided in `calls` and `turn/`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from voice.agents.agent import Agent
from voice.events import Event
from voice.routing.hedging import HedgePurse
from voice.routing.table import Route
from voice.threads.late import Shown
from voice.threads.thread import Thread
from voice.tools.base import Tool
from voice.turn.live import LiveTurn
from voice.types import Action, CallId, CallRecord, Effect, Message, Note, ToolCall, ToolSpec

if TYPE_CHECKING:
    from voice.turn.ahead import Ahead


class Closable(Protocol):
    """Something of a turn that is closed at once when the turn is stopped."""

    def close(self) -> None: ...


QUIET_S = 30.0  # a call that is quiet this long gives its line up: longer than people keep silent

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
    gathers: bool = False  # <Gather> leads it now, whatever door its record names
    line: str | None = None  # the number that was called; doors that are told of it set it
    limit_s: float | None = None  # how long its order lets it last; None: as the agent's file says
    doubt_until: float | None = None  # until when it is open whether a machine has picked up
    farewell: str | None = None  # all that is still to be said, "" for nothing: a machine has picked up
    named: str | None = None  # the agent that the newest request named; None: none has named one
    system: str | None = None
    added: str | None = None  # what its model was told since the call began, by whoever runs it
    as_is: tuple[Message, ...] | None = None
    live: LiveTurn | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)
    ahead: Ahead | None = field(default=None, repr=False)  # a reply that was begun while they still spoke
    shown: Shown | None = None  # by the newest request that was taken
    touched_at: float = 0.0
    heard_at: float | None = None  # when the newest utterance was heard; None after a restart
    has_parted: bool = False  # the agent has said goodbye, though nobody could hang up for it
    fallbacks_said: int = 0  # in a row
    fillers_said: int = 0
    filled_at: float | None = None  # when the newest filler was said
    askings: list[Closable] = field(default_factory=list, repr=False)  # of the turn in flight
    # By what tells two uses apart.
    tool_answers: dict[str, asyncio.Future[str | Effect]] = field(default_factory=dict)
    tools_asked: dict[str, ToolCall] = field(default_factory=dict)
    tools_failed: frozenset[str] = frozenset()  # refused ones, too
    tools_accepted: frozenset[str] = frozenset()  # whose answer was taken by whoever asked
    actions: frozenset[Action] = frozenset()  # what the door of the turn in flight can do to the call
    reaches: Callable[[Effect], bool] | None = None  # … and whether it leads there; None: anywhere
    platform_tools: tuple[ToolSpec, ...] = ()  # tools of the newest request that its platform runs
    is_remembered: bool = True  # False while the store could not be asked for the call's past
    call_id: CallId = field(init=False)  # its record's: each turn asks for it a dozen times

    def __post_init__(self) -> None:
        self.call_id = self.record.call_id

    @property
    def max_call_s(self) -> float:
        """How long it may last."""
        return min(self.agent.max_call_s, self.limit_s or self.agent.max_call_s)

    @property
    def is_speaking(self) -> bool:
        """Whether a turn is in flight."""
        return self.live is not None and not self.live.finished


def quietest(calls: Iterable[Call], at: float) -> Call | None:
    """The call on which nobody has spoken for longest; None where none has been quiet for QUIET_S."""
    quiet = [call for call in calls if not call.is_speaking and at - call.touched_at >= QUIET_S]
    return min(quiet, key=lambda call: call.touched_at, default=None)
