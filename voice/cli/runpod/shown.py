"""Prints what was found of an endpoint: a line each, or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import typer
from rich.text import Text

from voice.cli.checks import Check
from voice.cli.doctor import MARKS
from voice.cli.screen import console


def show(found: Sequence[Check], *, as_json: bool) -> None:
    """Prints the checks; exit status 1 when one of them is broken."""
    is_ok = all(check.state != "broken" for check in found)
    if as_json:
        report = {"ok": is_ok, "checks": [asdict(check) for check in found]}
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        out = console()
        for check in found:
            line = Text.assemble(MARKS[check.state], f" {check.what}: {check.says}")
            if check.to_do:
                line.append(f" → {check.to_do}", style="bold")
            out.print(line, soft_wrap=not out.is_terminal)  # one line each for whoever greps them
    if not is_ok:
        raise typer.Exit(1)
