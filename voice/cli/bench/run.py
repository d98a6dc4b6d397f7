"""A run: servers, mock host and load on cores of their own; rounds of floor and product in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from voice.cli.bench.callers import STREAMS, BenchDoor
from voice.cli.bench.host import Pace
from voice.cli.bench.playing import Held, Player
from voice.cli.bench.proc import cores, pin
from voice.cli.bench.process import BenchProcess
from voice.cli.bench.rounds import Rounds
from voice.cli.bench.server import BenchServer, Kind, Model
from voice.cli.bench.shapes import Shape

HELD_S, START_S = 8.0, 5.0  # about, for progress: holding many streams; starting a door's servers

Told = Callable[[str], None]


@dataclass(slots=True)
class Measured:
    """One shape through one door. `stages`: seconds of CPU by stage, of a round that is not counted.

    `numbered`: its words were, so it is known what became of each. `route`: the real one that was asked.
    """

    door: BenchDoor
    shape: Shape
    ours: Rounds = field(default_factory=Rounds)
    floor: Rounds | None = None
    held: Held | None = None
    stages: dict[str, Any] | None = None
    numbered: bool = True
    route: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "door": self.door,
            "shape": asdict(self.shape),
            "offhook": self.ours.as_json() if self.ours.rounds else None,
            "floor": self.floor.as_json() if self.floor else None,
            "held": asdict(self.held) if self.held else None,
            "stages": self.stages,
            "numbered": self.numbered,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured. `model` writes the replies; `route` is the name of a real one.

    `profiled` names the shape that is looked into, stage by stage. `call_turns`: of one call.
    """

    doors: tuple[BenchDoor, ...]
    shapes: tuple[Shape, ...]
    rounds: int = 3
    model: Model = "host"
    route: str = ""
    call_turns: int = 5
    profiled: str = "b-200"

    @property
    def is_numbered(self) -> bool:
        """Whether the words are ours; a model that writes itself numbers none."""
        return self.model in {"host", "scripted"}

    @property
    def lasts_s(self) -> float:
        """About how long it takes."""
        per_door_s = START_S
        for shape in self.shapes:
            rounds = self.rounds * (2 if self.model == "host" else 1) + (shape.name == self.profiled)
            per_door_s += HELD_S if shape.loop == "held" else shape.per_round_s * rounds
        return len(self.doors) * per_door_s


class Bench:
    """Measures what a plan says. `told` hears what is being done."""

    def __init__(self, plan: Plan, folder: Path, told: Told) -> None:
        self._plan, self._folder, self._told = plan, folder, told
        self._repeats = True  # a round in which the machine was taken away, until that has helped nothing
        self._own = cores()
        # A server has a core to itself; host and load share another, so that neither makes a server wait.
        alone = len(self._own) > 1
        self._server_cores, self._load_cores = (
            tuple(self._own[at : at + 1]) if alone else () for at in (0, 1)
        )

    async def run(self) -> list[Measured]:
        """Everything, door by door."""
        plan = self._plan
        found: list[Measured] = []
        try:
            pin(self._load_cores)
            async with BenchProcess(self._server("host")) as host:
                player = Player(
                    host,
                    plan.call_turns,
                    asks_host=plan.model == "host",
                    numbered=plan.is_numbered,
                )
                for door in plan.doors:
                    found += await self._door(door, host.url, player)
        finally:
            pin(self._own)
        return found

    async def _door(self, door: BenchDoor, host: str, player: Player) -> list[Measured]:
        self._told(f"{door}: starting the servers")
        # A Gather call has no stream to hold open.
        shapes = [one for one in self._plan.shapes if one.loop != "held" or door != "gather"]
        shapes.sort(key=lambda one: one.loop != "held")  # memory is that of a server which has just begun
        # A script in the server has one pace for all its life.
        paces = dict.fromkeys(one.pace for one in shapes)
        groups = [[one for one in shapes if one.pace == pace] for pace in paces]
        found: list[Measured] = []
        for group in groups if self._plan.model == "scripted" else [shapes]:
            async with (
                BenchProcess(self._server("offhook", door, host, group)) as ours,
                self._ground(door, host) as floor,
            ):
                found += [await self._shape(door, one, ours, floor, player) for one in group]
        return found

    async def _shape(
        self, door: BenchDoor, shape: Shape, ours: BenchProcess, floor: BenchProcess | None, player: Player
    ) -> Measured:
        found = Measured(door, shape, numbered=self._plan.is_numbered, route=self._plan.route)
        what = f"{door} {shape.name}: {shape.title}"
        if shape.loop == "held":
            self._told(what)
            found.held = await player.hold(door, shape, ours)
            return found
        sides = [(found.ours, ours)]
        if floor is not None:
            found.floor = Rounds()
            sides.insert(0, (found.floor, floor))
        for number in range(1, self._plan.rounds + 1):
            self._told(f"{what}, round {number} of {self._plan.rounds}")
            if not await _both(player, door, shape, sides) and self._repeats:
                self._told(f"{what}, round {number} again: the machine was taken away")
                self._repeats = await _both(player, door, shape, sides)
        if shape.name == self._plan.profiled:
            self._told(f"{what}, where the CPU goes")
            await ours.tell("profile")
            looked = await player.round(door, replace(shape, warm_s=0.0), ours)
            found.stages = {**await ours.tell("profiled"), "turns": looked.turns}
        return found

    @asynccontextmanager
    async def _ground(self, door: BenchDoor, host: str) -> AsyncIterator[BenchProcess | None]:
        """The floor of a door; None where there is nothing to compare with."""
        if self._plan.model != "host":
            yield None
            return
        async with BenchProcess(self._server("floor" if door in STREAMS else "echo", door, host)) as floor:
            yield floor

    def _server(
        self, kind: Kind, door: str = "", host: str = "", shapes: Sequence[Shape] = ()
    ) -> BenchServer:
        folder = self._folder / f"{kind}-{door}"
        folder.mkdir(exist_ok=True)
        on = self._load_cores if kind == "host" else self._server_cores
        pace = shapes[0].pace if shapes else Pace()
        return BenchServer(kind, str(folder), on, host, self._plan.model, self._plan.route, door, pace)


async def _both(
    player: Player, door: BenchDoor, shape: Shape, sides: list[tuple[Rounds, BenchProcess]]
) -> bool:
    """A round at each server, one right after the other; whether the machine was theirs."""
    played = [(rounds, await player.round(door, shape, server)) for rounds, server in sides]
    for rounds, one in played:
        rounds.rounds.append(one)
    return all(one.is_calm for _, one in played)
