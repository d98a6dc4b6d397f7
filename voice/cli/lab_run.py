"""Runs callers against a brain whose model hosts have faults: on a played clock, or over real sockets."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random

import httpx

from voice.agents.agent import Agent
from voice.brain import Brain
from voice.call import Call
from voice.calls import Calls
from voice.cli.screen import quiet
from voice.clock import now
from voice.events import Event, RouteFailed, TurnCrashed
from voice.job import job_input
from voice.models.http import open_http
from voice.models.openai import OpenAIClient
from voice.models.runpod import RunPodClient
from voice.models.scripted import ScriptedClient
from voice.routing.table import Price, Route
from voice.settings import Settings
from voice.simulate.faults import HEALTHY, Fault
from voice.simulate.host_doors import HostTransport, on_socket, refusing
from voice.simulate.host_script import Book, order_of, reply_to
from voice.simulate.hosts import Host
from voice.simulate.lab_caller import MANNERS, LabCaller, Live, Manner
from voice.simulate.lab_report import Judge, Limits, Verdict
from voice.simulate.marked import written
from voice.store.memory import MemoryStore
from voice.turn.live import LiveTurn
from voice.turn.own import own_line
from voice.types import CallId, Door, Prompt, Utterance

ENDPOINT, KEY = "lab", "lab"
EMBEDDED_FIRST_S = 0.12  # what the packaged model takes on two cores
EMBEDDED_EVERY_S = 0.02
RING_S = 0.05  # between two calls that ring
LOOK_S = 0.02  # between two looks at the clock
MOST_TURNS = 5  # of one call
NEVER = 1_000_000  # collections of the younger generation before the oldest is looked through
DOORS = (Door.VAPI, Door.CHAT, Door.OPENAI)
PRICE = Price(usd_per_hour=0.68)


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. `turns` in all, over `calls` at once; the faults of the first and the second remote route.

    With several faults each turn draws its own.
    """

    name: str
    turns: int
    calls: int
    seed: int
    first: tuple[Fault, ...]
    second: tuple[Fault, ...] = (HEALTHY,)
    manners: tuple[Manner, ...] = MANNERS
    sockets: bool = False
    local: bool = True  # the local model is there, too
    rests: bool = True  # False: no breaker opens, so that every turn meets its fault


@dataclass(slots=True)
class Outcome:
    """What came of a run."""

    verdicts: list[Verdict]
    hosts: list[Host]
    limits: Limits
    crashes: list[str] = field(default_factory=list)  # defects of ours, where a fence caught them
    stood_still_s: float = 0.0  # the longest time in which this process did nothing: the machine was busy


class BrainLine:
    """A call of the brain, held as a door holds it."""

    def __init__(self, calls: Calls, call: Call) -> None:
        self._calls, self._call = calls, call

    async def hear(self, text: str, key: str) -> Live:
        heard = Utterance(text, now(), key=key)
        return await self._calls.hear(self._call, heard, self._call.agent.budget.deadline(heard.heard_at))

    def leave(self, live: Live) -> None:
        assert isinstance(live, LiveTurn)
        self._calls.leave(self._call, live)

    async def hang_up(self) -> None:
        await self._calls.hang_up(self._call.call_id, "the caller hung up")


async def run(plan: Plan, settings: Settings, told: Callable[[int], None] = lambda _: None) -> Outcome:
    """Play a plan to its end, with the agent that the settings name. `told` hears of turns that are over."""
    book = Book()
    first = Host("runpod", plan.first, book=book, seed=plan.seed)
    second = Host("llm", plan.second, book=book, seed=plan.seed)
    store, still, crashes = MemoryStore(), _Standstill(), list[str]()
    async with AsyncExitStack() as stack:
        stack.enter_context(quiet())  # faults are the point here
        routes = await _routes(stack, plan, first, second, book)
        settings = settings.model_copy(update={"max_calls": plan.calls + 1, "sentry_dsn": None})
        brain = await stack.enter_async_context(Brain.open(settings, clients=routes, store=store))
        brain.bus.subscribe(lambda event: crashes.extend(_crash(event)))
        agent = brain.agents.default
        gc.collect()
        gc.freeze()  # as `offhook serve` does: a look through all that is loaded takes 90 ms
        stack.callback(gc.unfreeze)
        # The lab keeps every word of every turn, host and caller: to look through these books takes 100 ms
        # and more, in the very process whose promptness is measured. A server keeps none of them.
        stack.callback(gc.set_threshold, *gc.get_threshold())
        gc.set_threshold(*gc.get_threshold()[:2], NEVER)
        watching = asyncio.create_task(still.watch())
        callers = await _calls(brain, plan, told)
        watching.cancel()
        for host in (first, second):
            host.settle()
    limits = _limits(agent, settings.hedge_share)
    heard = [turn for caller in callers for turn in caller.heard]
    tickets = await _tickets(store, callers)
    verdicts = Judge(book, limits, tickets).judge(heard)
    return Outcome(verdicts, [first, second], limits, crashes, still.longest_s)


def _crash(event: Event) -> list[str]:
    """What an event tells of a defect: callers hear an excuse then, or another route."""
    if isinstance(event, TurnCrashed):
        return [f"a turn raised {type(event.error).__name__}"]
    if isinstance(event, RouteFailed) and " raised " in event.message:
        return [event.message]
    return []


@dataclass(slots=True)
class _Standstill:
    """How long the loop has stood still at most. On a played clock it never does."""

    longest_s: float = 0.0

    async def watch(self) -> None:
        while True:
            due_at = now() + LOOK_S
            await asyncio.sleep(LOOK_S)
            self.longest_s = max(self.longest_s, now() - due_at)


async def _tickets(store: MemoryStore, callers: Sequence[LabCaller]) -> Counter[str]:
    """How many tickets were opened for each order."""
    calls = [await store.find(_call_id(caller.name)) for caller in callers]
    notes = [note for call in calls if call is not None for note in call.notes if note.kind == "ticket"]
    return Counter(str(note.payload["issue"]) for note in notes)


def _call_id(name: str) -> CallId:
    return CallId(f"lab-{name}")


async def _calls(brain: Brain, plan: Plan, told: Callable[[int], None]) -> list[LabCaller]:
    """So many calls at once, each followed by another one until all turns are over."""
    callers: list[LabCaller] = []
    left, each = plan.turns, min(MOST_TURNS, -(-plan.turns // plan.calls))

    async def slot(place: int) -> None:
        nonlocal left
        await asyncio.sleep(RING_S * place)
        while left > 0:
            number, turns = len(callers) + 1, min(each, left)
            left -= turns
            rng = Random(f"{plan.seed}/caller/{number}")
            door = DOORS[number % len(DOORS)]
            call = await brain.calls.pick_up(_call_id(str(number)), door)
            manner = plan.manners[number % len(plan.manners)]
            caller = LabCaller(str(number), BrainLine(brain.calls, call), manner, rng)
            callers.append(caller)
            await caller.call(turns)
            left += turns - len(caller.heard)
            told(len(caller.heard))

    async with asyncio.TaskGroup() as group:
        for place in range(min(plan.calls, plan.turns)):
            group.create_task(slot(place))
    return callers


async def _routes(stack: AsyncExitStack, plan: Plan, first: Host, second: Host, book: Book) -> list[Route]:
    """RunPod's queue, an OpenAI-compatible host, and a local model that is always there."""
    near, far = await _reached(stack, plan, first), await _reached(stack, plan, second)
    routes = [
        Route(RunPodClient("runpod", ENDPOINT, KEY, f"{near.url}/v2", http=near.http), price=PRICE),
        Route(OpenAIClient("llm", f"{far.url}/v1", "lab", KEY, far.http), price=PRICE),
        Route(_embedded(book, plan.seed), is_local=True, price=Price()),
    ]
    if not plan.rests:
        for route in routes:
            route.breaker.failures_to_open = sys.maxsize
    return routes if plan.local else routes[:-1]


@dataclass(frozen=True, slots=True)
class _Reached:
    url: str
    http: httpx.AsyncClient


async def _reached(stack: AsyncExitStack, plan: Plan, host: Host) -> _Reached:
    """A host as a client reaches it."""
    if not plan.sockets:
        http = httpx.AsyncClient(transport=HostTransport(host), timeout=None, trust_env=False)
        return _Reached(f"http://{host.name}", await stack.enter_async_context(http))
    url = await stack.enter_async_context(on_socket(host))
    pool = await stack.enter_async_context(open_http())
    pool.event_hooks = {"request": [stack.enter_context(refusing(host))]}
    return _Reached(url, pool)


def _embedded(book: Book, seed: int) -> ScriptedClient:
    """The local model: it writes what every host writes, sooner than they do and never wrong."""

    def writes(prompt: Prompt) -> str:
        fields = job_input(prompt)
        order = order_of(fields)
        asked = book.begin("embedded", order)
        asked.ended, asked.ended_at = "done", now()  # nobody pays for it: it need not be stopped
        reply = reply_to(fields, asked.number, Random(f"{seed}/embedded/{order}/{len(prompt.so_far)}"))
        return reply.repeated + "".join(written(asked.number, range(reply.begins, reply.length)))

    return ScriptedClient(
        "embedded", writes, first_s=EMBEDDED_FIRST_S, every_s=EMBEDDED_EVERY_S, goes_on=writes
    )


def _limits(agent: Agent, hedge_share: float) -> Limits:
    fillers = (agent.fillers, *agent.fillers_for.values())
    lines = [line for some in (agent.fallbacks, *fillers) for line in some]
    lines += [agent.goodbye, agent.busy, agent.breaks_off]
    lines = [own_line(agent, line).text for line in lines]
    budget = agent.budget
    return Limits(budget.first_chunk_s, budget.gap_s, hedge_share, tuple(lines), ("runpod", "llm"))
