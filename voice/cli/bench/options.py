"""The options of `offhook bench`, each with its line in `--help`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from voice.cli.bench.plan import CALLS, DOORS, FULL_ROUNDS, QUICK_ROUNDS, TURNS
from voice.cli.bench.shapes import PACED, SHAPES
from voice.cli.bench.words import MAX_WORDS

Door: TypeAlias = Annotated[
    str, typer.Option(help=f"{', '.join(DOORS)}; several with commas between, or all.  [default: vapi]")
]
ShapeNames: TypeAlias = Annotated[
    str, typer.Option("--shape", help=f"A load that has a name: {', '.join(SHAPES)}; several, or all.")
]
Full: TypeAlias = Annotated[bool, typer.Option("--full", help="Every shape through every door.")]
RoundCount: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--rounds", min=1, help=f"Of each shape.  [default: {QUICK_ROUNDS}; {FULL_ROUNDS} with --full]"
    ),
]
Calls: TypeAlias = Annotated[
    int | None, typer.Option(min=1, help=f"A load of your own: calls at once.  [default: {CALLS}]")
]
Turns: TypeAlias = Annotated[
    int | None, typer.Option(min=1, help=f"… turns of each call.  [default: {TURNS}]")
]
Loop: TypeAlias = Annotated[
    Literal["closed", "open"],
    typer.Option(help="closed: a turn follows the one before; open: turns come at random, by --rate."),
]
Rate: TypeAlias = Annotated[float | None, typer.Option(min=0.1, help="Open loop: turns a second.")]
WhoWrites: TypeAlias = Annotated[
    Literal["host", "scripted", "embedded"],
    typer.Option(
        "--model", help="Who writes: a mock host over HTTP, a script in the server, the small model."
    ),
]
RouteName: TypeAlias = Annotated[
    str | None,
    typer.Option("--route", help="Ask this route of your settings instead. It costs what it costs."),
]
FirstMs: TypeAlias = Annotated[
    float | None, typer.Option(min=0, help=f"The model's first word.  [default: {PACED.first_s * 1000:.0f}]")
]
EveryMs: TypeAlias = Annotated[
    float | None,
    typer.Option(min=0, help=f"… then one every so often.  [default: {PACED.every_s * 1000:.0f}]"),
]
WordCount: TypeAlias = Annotated[
    int | None, typer.Option("--words", min=1, max=MAX_WORDS, help=f"… so many.  [default: {PACED.words}]")
]
HedgingTurns: TypeAlias = Annotated[
    int, typer.Option("--hedging", min=0, help="Turns on played time that show what hedging gains; 0: none.")
]
JsonFile: TypeAlias = Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")]
PictureFile: TypeAlias = Annotated[
    Path | None, typer.Option("--picture", help="Draw them into this SVG file.")
]
