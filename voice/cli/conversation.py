"""A conversation as it is printed: who said what, and how soon."""

from __future__ import annotations

import re

import typer

from voice.cli.screen import dim
from voice.events import Event, TurnClosed
from voice.simulate.report import TurnReport
from voice.types import Turn

INDENT = " " * 8
TAG = re.compile(
    r"</?(?:speak|say-as|spell)\b[^<>]{0,80}>", re.IGNORECASE
)  # of [speech]: for the voice alone


class LastTurns:
    """Remembers the last turn of each call as the server closed it. A listener of its bus."""

    def __init__(self) -> None:
        self._turns: dict[str, Turn] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, TurnClosed):
            self._turns[event.call_id] = event.turn

    def of(self, call_id: str) -> Turn | None:
        """The call's last turn; None when the server is not in this process."""
        return self._turns.get(call_id)


def print_caller(words: str) -> None:
    """What the caller said."""
    _print("caller", typer.colors.CYAN, words)


def print_agent(words: str) -> None:
    """What the agent said."""
    _print("agent", typer.colors.GREEN, words or "(silence)")


def print_aside(words: str) -> None:
    """Something that nobody said: what the platform does."""
    typer.echo(INDENT + dim(f"({as_heard(words)})"))


class Speech:
    """Prints replies piece by piece, as they are spoken."""

    def __init__(self) -> None:
        self._is_first = True

    def begin(self) -> None:
        """A new reply."""
        self._is_first = True

    def piece(self, words: str) -> None:
        """A piece of it begins to be spoken."""
        if self._is_first:
            print_agent(words)
        else:
            typer.echo(INDENT + as_heard(words))
        self._is_first = False

    def end(self, report: TurnReport) -> None:
        """It is over; says where it was cut. What comes next is another one, though nobody asked for it."""
        self._is_first = True
        if report.cut and report.heard:
            typer.echo(INDENT + dim(f"(cut: the caller heard {as_heard(report.heard)!r})"))
        elif report.cut:
            typer.echo(INDENT + dim("(cut before a word was heard)"))
        elif report.silent:
            print_agent("")


def print_times(report: TurnReport, turn: Turn | None) -> None:
    """The times of a reply that is printed already; `turn` adds the route."""
    typer.echo(INDENT + dim(timing_line(report, turn)))


def print_turn(report: TurnReport, turn: Turn | None) -> None:
    """The reply and its times; `turn` adds the route."""
    print_agent(report.heard or ("(no words)" if report.acted else ""))
    print_times(report, turn)


def timing_line(report: TurnReport, turn: Turn | None) -> str:
    """Times, route, and what was wrong: "81 ms to the first words · 240 ms in all · embedded"."""
    if report.only_listened:
        return f"nobody spoke for {report.budget_ms / 1000:g} s"
    first = "no words" if report.ttfc_ms is None else f"{report.ttfc_ms:.0f} ms to the first words"
    parts = [first, f"{report.total_ms:.0f} ms in all"]
    if turn is not None:
        parts.append(turn.route or "no route: a fallback was said")
    if report.hops > 1:
        parts.append(f"{report.hops} requests")
    if report.late:
        parts.append(f"LATE, {report.budget_ms:.0f} ms allowed")
    if report.silent:
        parts.append("SILENT")
    return " · ".join(parts)


def as_heard(words: str) -> str:
    """Words without the tags that tell a voice to spell: at some doors they come with them, at others not."""
    return TAG.sub("", words)


def _print(who: str, colour: str, words: str) -> None:
    typer.echo(f"{typer.style(f'{who:<8}', fg=colour)}{as_heard(words)}")
