"""`offhook doctor`: every setting and where it came from, then every part, tried out.

`offhook doctor vapi` or `twilio` plays that platform's side of a call instead, and says what a caller
would hear.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from importlib import import_module
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from voice.cli.checks import Check, checks
from voice.cli.screen import console, table, waiting
from voice.cli.values import Shown, shown_settings
from voice.errors import SetupError
from voice.settings import Settings, load_settings, read_settings

MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "broken": ("✗", "red")}

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def doctor(
    platform: Annotated[
        Literal["vapi", "twilio", "runpod"] | None,
        typer.Argument(help="Play this platform's side of a call instead; runpod: ask its endpoint."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(help="With a platform: the server to call.  [default: the one on this machine]"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Show every setting and check that all parts work.

    Settings come with their value (secrets masked) and where it came from. Then the agents, the
    database, every route, the port and the doors are tried. With `vapi` or `twilio`, a call of that platform
    is played at the running server, or at any URL, and told in words. Exit status 1 when anything is broken.

    \b
    Examples:
      offhook doctor
      offhook doctor --json
      offhook doctor vapi
      offhook doctor vapi --url https://voice.example.com
      offhook doctor twilio
      offhook doctor runpod
    """
    if platform is not None:
        _visit(platform, url, as_json)
        return
    if url is not None:
        raise typer.BadParameter("--url goes with `offhook doctor vapi` or `twilio`")
    settings, rows, found = _look()
    if settings is not None:
        with waiting("Trying every part …"):
            found += asyncio.run(checks(settings))
    if as_json:
        typer.echo(json.dumps(_report(rows, found), indent=2, ensure_ascii=False))
    else:
        _print(rows, found)
    _end(found)


def _visit(platform: Literal["vapi", "twilio", "runpod"], url: str | None, as_json: bool) -> None:
    """Play a call from a platform's side."""
    consult = import_module(f"voice.cli.{platform}.doctor").consult  # late: what only this needs
    settings = load_settings()
    with waiting("Calling …"):
        found = asyncio.run(consult(settings, url))
    if as_json:
        report = {
            "ok": all(check.state != "broken" for check in found.checks),
            "checks": [asdict(check) for check in found.checks],
            "heard": [asdict(said) for said in found.heard],
        }
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        _print([], found.checks)
        for said in found.heard:
            if said.caller:
                typer.echo(f"  caller: {said.caller}")
            first = "" if said.first_ms is None else f"  ({said.first_ms} ms)"
            typer.echo(f"  agent:  {said.agent or '… silence …'}{first}")
    _end(found.checks)


def _end(found: list[Check]) -> None:
    if any(check.state == "broken" for check in found):
        raise typer.Exit(1)


def _look() -> tuple[Settings | None, list[Shown], list[Check]]:
    """The settings, as far as they can be read, and what is wrong with them."""
    try:
        settings, origins = read_settings()
    except SetupError as exc:
        return None, [], [Check("setting", "broken", line) for line in str(exc).splitlines()]
    return settings, shown_settings(settings, origins), []


def _report(rows: list[Shown], found: list[Check]) -> dict[str, Any]:
    return {
        "ok": all(check.state != "broken" for check in found),
        "settings": [asdict(row) for row in rows],
        "checks": [asdict(check) for check in found],
    }


def _print(rows: list[Shown], found: list[Check]) -> None:
    out = console()
    if rows:
        settings = table("setting", "value", "from")
        for row in rows:
            settings.add_row(
                Text(row.env), Text(row.value), Text(row.place), style="dim" if row.place == "default" else ""
            )
        out.print(settings)
        out.print()
    for check in found:
        mark, colour = MARKS[check.state]
        line = Text.assemble((mark, colour), f" {check.what}: {check.says}")
        if check.to_do:
            line.append(f" → {check.to_do}", style="dim" if check.state == "ok" else "bold")
        out.print(line, soft_wrap=not out.is_terminal)  # one line each for whoever greps them
