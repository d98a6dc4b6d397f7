"""One round of a load at one server, and one holding of many open streams."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from voice.cli.bench.callers import BenchDoor, Caller, open_caller
from voice.cli.bench.host import Pace
from voice.cli.bench.load import Load, undisturbed
from voice.cli.bench.proc import Usage, machine
from voice.cli.bench.process import BenchProcess
from voice.cli.bench.rounds import Marks, Round
from voice.cli.bench.shapes import Shape
from voice.cli.bench.wire import Wires
from voice.clock import Budget

SETTLE_S = 0.25  # what a server puts off until after a turn is its own as well
GONE_S = 0.5  # after which the host must have been let go
LOOKS_S, GIVEN_UP_S = 0.25, 10.0  # how often, and how long, the host is asked again
PATIENT = "patient"  # the agent of held streams, whose budgets do not end them
NUMBERS = 1_000_000  # of turns that one load may count to; no number is used twice


@dataclass(frozen=True, slots=True)
class Held:
    """Many open streams at once. `left_open`: at the host, half a second after all have hung up; `gone_s`:
    when it had none any more, within a few tenths; None: after GIVEN_UP_S some were open still.

    `is_calm`: whether the server could run all the while whenever it had to.
    """

    asked: int
    open: int
    left_open: int
    gone_s: float | None
    rss_mb: float | None = None
    tree_mb: float | None = None
    kb_per_call: float | None = None
    cpu_share: float | None = None  # of a core, while they are open
    is_calm: bool = True


class Player:
    """Plays loads. `host` is the mock host; `numbered`: the replies are its words, or the script's."""

    def __init__(self, host: BenchProcess, call_turns: int, *, asks_host: bool, numbered: bool) -> None:
        self._host, self._call_turns = host, call_turns
        self._asks_host, self._numbered = asks_host, numbered
        self._turns = 0

    async def round(self, door: BenchDoor, shape: Shape, server: BenchProcess) -> Round:
        """One round at one server, after a while of the same that is not counted."""
        wires, one = Wires(server.url), Round()
        try:
            await self._pace(shape.pace, server)
            if shape.warm_s:
                warm = self._load(door, wires, server)
                await _play(warm, replace(shape, lasts_s=shape.warm_s, turns=None, ramp_s=0.0))
                await warm.hang_up()
            await self._pace(shape.pace, server)  # forgets the marks of the warm-up
            load = self._load(door, wires, server)
            route = server.server.route if server.server.kind == "offhook" else ""
            if route:
                await server.tell("answered")  # forgets the warm-up
            with undisturbed():
                before, machine_before, began_at = server.usage(), machine(), time.perf_counter()
                await _play(load, shape)
                one.wall_s = time.perf_counter() - began_at
                await asyncio.sleep(SETTLE_S)
                after, machine_after = server.usage(), machine()
            marks = await self._marks() if self._asks_host and server.server.kind != "echo" else {}
            one.hear(load.heard, marks, shape.pace if self._numbered else None, _budget_s(door))
            if route:
                one.answered_by(await server.tell("answered"), route)
            one.use(before, after)
            one.lose(machine_before, machine_after)
            await load.hang_up()
        finally:
            await wires.close()
        return one

    async def hold(self, door: BenchDoor, shape: Shape, server: BenchProcess) -> Held:
        """Open many streams, keep them, and hang all of them up at once."""
        wires = Wires(server.url)
        await self._pace(shape.pace, server)
        load = self._load(door, wires, server, agent=PATIENT)
        before, opens_at = server.usage(), time.perf_counter()
        tasks = await load.hold(shape.callers)
        begun, began_at = server.usage(), time.perf_counter()
        await asyncio.sleep(shape.lasts_s or 0.0)
        open_now = sum(not task.done() for task in tasks)
        full, took_s = server.usage(), time.perf_counter() - began_at
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await wires.close()
        if door == "relay":
            await load.hang_up()  # a socket may break: a call has ended when Twilio says so
        await asyncio.sleep(GONE_S)
        whole = Round(wall_s=time.perf_counter() - opens_at)
        whole.use(before, server.usage())
        left = await self._open_at_host()
        found = Held(shape.callers, open_now, left, await self._gone_s(), is_calm=whole.is_calm)
        await load.hang_up()
        await wires.close()
        return _with_usage(found, before, begun, full, took_s)

    async def _gone_s(self) -> float | None:
        """How long after the hanging up the host has nothing open; None where it never was so."""
        waited_s = GONE_S
        while await self._open_at_host():
            if waited_s > GIVEN_UP_S:
                return None
            await asyncio.sleep(LOOKS_S)
            waited_s += LOOKS_S
        return waited_s

    async def _open_at_host(self) -> int:
        return int((await self._ask("GET", "/bench/open"))["replies"])

    def _load(self, door: BenchDoor, wires: Wires, server: BenchProcess, agent: str | None = None) -> Load:
        ours = server.server.kind == "offhook"

        def opens() -> Caller:
            return open_caller(door, wires, server.url, ours=ours, agent=agent)

        load = Load(opens, self._call_turns, first=self._turns)
        self._turns += NUMBERS
        return load

    async def _pace(self, pace: Pace, server: BenchProcess) -> None:
        """Have the next replies written so."""
        await self._ask("PUT", "/bench/pace", asdict(pace))
        if server.server.kind == "echo":
            await _ask(server.url, "PUT", "/bench/pace", asdict(pace))

    async def _marks(self) -> Marks:
        found = await self._ask("GET", "/bench/marks")
        return {int(number): (at, written) for number, (at, written) in found.items()}

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((await _ask(self._host.url, method, path, body)) or b"{}")
        return found


async def _play(load: Load, shape: Shape) -> None:
    if shape.loop == "open":
        await load.open(shape.rate, shape.lasts_s or float("inf"), shape.turns)
    else:
        await load.closed(shape.callers, shape.lasts_s, shape.ramp_s, shape.turns)


async def _ask(url: str, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
    wires = Wires(url)
    try:
        return (await wires.ask(method, path, json.dumps(body or {}).encode(), {})).body
    finally:
        await wires.close()


def _with_usage(
    held: Held, before: Usage | None, begun: Usage | None, full: Usage | None, took_s: float
) -> Held:
    if before is None or begun is None or full is None:
        return held
    return replace(
        held,
        rss_mb=round(full.own_rss / 1e6, 1),
        tree_mb=round(full.rss / 1e6, 1),
        kb_per_call=round((full.own_rss - before.own_rss) / 1e3 / held.open, 1) if held.open else None,
        cpu_share=round((full.cpu_s - begun.cpu_s) / took_s, 4),
    )


def _budget_s(door: BenchDoor) -> float:
    """Until a turn's first words count as late."""
    budget = Budget()
    return budget.gather_hop_s if door == "gather" else budget.first_chunk_s
