"""`offhook model`: make the small model, look at it, put it where the embedded engine loads it."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

import voice.engines
from voice.cli.screen import Failed, console, waiting
from voice.training import evaluate as evaluating
from voice.training import export as exporting
from voice.training import train as training

CHECKPOINT, WEIGHTS = Path("data/model"), Path("data/weights")
PACKAGED = Path(voice.engines.__file__).parent / "weights"
LINE_EVERY_S = 15.0

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def model() -> None:
    """Train, export and evaluate the small model.

    Training and exporting need the extra "train": .venv/bin/pip install -e ".[train]"

    \b
    Examples:
      offhook model train --minutes 60
      offhook model export
      offhook model eval
    """


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="Folder of the checkpoint.")] = CHECKPOINT,
    minutes: Annotated[
        float | None, typer.Option(min=0.1, help="Stop after this long, all resumed parts counted.")
    ] = None,
    tokens: Annotated[int, typer.Option(min=1, help="Stop after this many tokens.")] = training.TOKENS,
    seed: Annotated[int, typer.Option(help="What dialogues and weights begin from.")] = training.SEED,
    resume: Annotated[
        bool, typer.Option("--resume/--fresh", help="Go on from the checkpoint, or begin anew.")
    ] = True,
) -> None:
    """Train the small model; goes on where a killed run stopped.

    \b
    Examples:
      offhook model train --minutes 60
      offhook model train --fresh --seed 7 --out /tmp/model
    """
    with training_progress() as told:
        training.train(out, seed=seed, minutes=minutes, tokens=tokens, resume=resume, progress=told)
    typer.echo(f"✓ checkpoint in {out}; next: offhook model export --checkpoint {out}")


@app.command()
def export(
    checkpoint: Annotated[Path, typer.Option(help="Folder of the checkpoint.")] = CHECKPOINT,
    out: Annotated[Path, typer.Option(help="Folder of the model, for OFFHOOK_EMBEDDED_MODEL.")] = WEIGHTS,
) -> None:
    """Turn a checkpoint into a folder that the embedded engine loads.

    \b
    Example:
      offhook model export --checkpoint data/model --out data/weights
    """
    with waiting("Exporting; about a minute …"):
        answer = exporting.export(checkpoint, out)
    typer.echo(f"✓ {out}; asked once, it answers: {answer.strip()}")
    typer.echo(f"  try it: OFFHOOK_EMBEDDED_MODEL={out} offhook call")


@app.command("eval")
def evaluate(
    weights: Annotated[Path, typer.Option(help="Folder of the model; default: the packaged one.")] = PACKAGED,
    turns: Annotated[int, typer.Option(min=1, help="Replies to judge.")] = evaluating.TURNS,
    seed: Annotated[int, typer.Option(help="What the held-out calls begin from.")] = evaluating.SEED,
    missed: Annotated[int, typer.Option(min=0, help="Failed replies to show.")] = 0,
) -> None:
    """Judge the model's replies in calls that it has never read.

    \b
    Examples:
      offhook model eval
      offhook model eval --weights data/weights --turns 100 --missed 10
    """
    if not (weights / "genai_config.json").exists():
        raise Failed(f"no model in {weights}; make one with `offhook model train` and `offhook model export`")
    with waiting(f"Asking for {turns} replies; about a minute …"):
        found = evaluating.evaluate(weights, seed=seed, turns=turns)
    typer.echo(found.report())
    for one in found.missed[:missed]:
        typer.echo(
            f"\n{one.act}\n  caller    {one.said}\n  model     {one.written}\n  hoped for {one.hoped_for}"
        )


@contextmanager
def training_progress() -> Iterator[Callable[[training.Progress], None]]:
    """A bar with loss, speed and what is left; a line now and then where nobody sees a bar."""
    if not sys.stderr.isatty():
        yield _tell_lines()
        return
    from rich import progress as drawn  # late: only a terminal sees it

    columns = (
        drawn.TextColumn("training"),
        drawn.BarColumn(),
        drawn.TaskProgressColumn(),
        drawn.TextColumn("{task.fields[says]}"),
    )
    with drawn.Progress(*columns, console=console(sys.stderr)) as bar:
        task = bar.add_task("training", total=1.0, says="writing dialogues …")
        yield lambda now: bar.update(task, completed=_share(now), says=_says(now))


def _tell_lines() -> Callable[[training.Progress], None]:
    """Says where the run stands, at most every LINE_EVERY_S."""
    said_at = -math.inf

    def tell(now: training.Progress) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= LINE_EVERY_S:
            said_at = time.monotonic()
            typer.echo(f"training {_share(now):.0%}: {_says(now)}", err=True)

    return tell


def _share(now: training.Progress) -> float:
    """How much of the run is done."""
    return now.tokens / max(1.0, now.tokens + now.tokens_per_s * now.eta_s)


def _says(now: training.Progress) -> str:
    left = f"{now.eta_s / 60:.0f} min left" if now.eta_s >= 60 else f"{now.eta_s:.0f} s left"
    return f"loss {now.loss:.3f}  {now.tokens_per_s:,.0f} tokens/s  {left}"
