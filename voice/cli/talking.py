"""One call in the terminal, from the first ring to the last word: what is said, and what is printed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

import httpx
import typer

from voice.cli.conversation import LastTurns, print_agent, print_aside, print_caller, print_times, print_turn
from voice.cli.speak_over import SpeakOver
from voice.cli.typed import Typed
from voice.cli.waterfall import Waterfalls
from voice.errors import BadRequest
from voice.simulate.caller import BREAKS, HungUp, Line, Restart, check_playable, perform, prepare, spoken
from voice.simulate.report import TurnReport
from voice.simulate.script import Script, Step
from voice.simulate.vapi.line import VapiLine

ASIDES = {"drop": "the socket breaks", "restart": "the server is restarted", "hang_up": "the caller hangs up"}


@dataclass(slots=True)
class Printed:
    """The turns of a call, and what is printed under each."""

    line: Line
    last: LastTurns
    waterfalls: Waterfalls | None
    holds: bool = False  # whether the voice waits before it speaks
    turns: list[TurnReport] = field(default_factory=list)
    undrawn: int = 0  # turns that were cut: the words that cut them do not wait for a drawing

    async def told(self, report: TurnReport, *, spoken: bool) -> None:
        """A turn is over; `spoken`: its words are printed already."""
        self.turns.append(report)
        self.undrawn += 1
        if isinstance(self.line, VapiLine) and self.holds and self.line.spoken:
            times = ", ".join(f"{at:.0f} ms" for at, _ in self.line.spoken)
            print_aside(f"the voice began a piece after {times}")
        if report.cut and spoken:
            return
        if report.cut:
            print_agent(report.heard)
            print_aside("cut: the caller heard no more")
            print_times(report, None)
            return
        printed = print_times if spoken else print_turn
        printed(report, self.last.of(self.line.call_id))
        await self.draw()

    def begins(self, step: Step) -> None:
        """A step of a script begins."""
        was_cut = bool(self.turns) and self.turns[-1].cut
        if step.after_words and step.kind not in BREAKS and not was_cut:
            print_aside(
                f"after_words = {step.after_words}: the reply was over before, so this comes behind it"
            )
        print_step(step)

    async def draw(self) -> None:
        """The waterfalls that are not drawn yet."""
        if self.waterfalls is not None and self.undrawn:
            await self.waterfalls.show(self.line.call_id, self.undrawn)
        self.undrawn = 0


async def talk(line: Line, script: Script | None, printed: Printed, restart: Restart | None) -> None:
    """Dial, say everything, print everything, hang up."""
    if script is not None:
        check_playable(line, script, restart)
        prepare(line, script)
    try:
        if greeting := await line.dial():
            print_agent(greeting)
        if script is not None:
            await _act(line, script, printed, restart)
        else:
            await _converse(line, printed)
        if line.is_over:
            typer.echo("(the agent has hung up)")
    except BaseException:
        with suppress(BadRequest, httpx.HTTPError):  # what ended the call is told, not what came of that
            await line.hang_up()
        raise
    await line.hang_up()
    await printed.draw()


async def _act(line: Line, script: Script, printed: Printed, restart: Restart | None) -> None:
    """Play a script; an agent who hangs up early ends it."""
    try:
        async with aclosing(perform(line, script, begins=printed.begins, restart=restart)) as turns:
            async for report in turns:
                await printed.told(report, spoken=False)
    except HungUp:
        return


async def _converse(line: Line, printed: Printed) -> None:
    """Say what is typed, or piped in."""
    typed = Typed()
    over = SpeakOver.on(line, typed)
    async with aclosing(_lines(typed)) as lines:
        async for words in lines:
            if not line.is_over:  # it may have ended while nobody spoke
                report = await (over.say(words) if over else spoken(line, words))
                await printed.told(report, spoken=over is not None)
            if line.is_over:
                return


async def _lines(typed: Typed) -> AsyncGenerator[str]:
    """What the caller says, printed unless a person has just typed it."""
    while (line := await typed.next()) is not None:
        if not typed.by_hand:
            print_caller(line)
        yield line
    if typed.by_hand:
        print()  # after the prompt that Ctrl-D has answered


def print_step(step: Step) -> None:
    """What a script does, as it begins."""
    if step.kind == "say":
        print_caller(step.text)
    elif step.kind == "press":
        print_caller(f"(presses {step.text})")
    elif step.kind == "silent_s":
        print_caller("(says nothing)")
    else:
        print_aside(ASIDES[step.kind])
