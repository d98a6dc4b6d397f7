"""`offhook export`: one call, written down; without an id, which calls there are."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from voice.cli.screen import Failed, console, table
from voice.cli.stored import missing_file, opened_store
from voice.settings import Settings, load_settings
from voice.threads.export import Form, export_call
from voice.types import CallId, CallRecord

LISTED = 20

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def export(
    call_id: Annotated[str | None, typer.Argument(help="The call; without it the newest are listed.")] = None,
    form: Annotated[
        Form, typer.Option(help="A conversation to read, everything, or chat messages.")
    ] = "text",
    out: Annotated[Path | None, typer.Option(help="File to write; default: the terminal.")] = None,
) -> None:
    """Write a call as text, JSON or chat messages.

    \b
    Examples:
      offhook export
      offhook export CALL_ID
      offhook export CALL_ID --form chat --out call.jsonl
    """
    settings = load_settings()
    if call_id is None:
        _list(asyncio.run(_newest(settings)))
        return
    text = asyncio.run(_exported(settings, CallId(call_id), form))
    if out is None:
        typer.echo(text)
        return
    try:
        out.write_text(text + "\n", encoding="utf-8")
    except OSError as exc:
        raise Failed(f"{out}: cannot be written: {exc.strerror}") from exc
    typer.echo(f"✓ {out}", err=True)


async def _newest(settings: Settings) -> list[CallRecord]:
    if missing_file(settings):
        return []
    async with opened_store(settings) as store:
        return await store.newest(LISTED)


async def _exported(settings: Settings, call_id: CallId, form: Form) -> str:
    stored = None
    if not missing_file(settings):
        async with opened_store(settings) as store:
            stored = await store.find(call_id)
    if stored is None:
        raise Failed(f"no call {call_id!r} is stored; `offhook export` lists the newest")
    return export_call(stored, form)


def _list(records: list[CallRecord]) -> None:
    if not records:
        typer.echo("No call is stored yet; `offhook call` makes one.")
        return
    rows = table("call", "began (UTC)", "door", "agent", "caller", "ended")
    for one in records:
        began, ended = f"{one.began_on:%Y-%m-%d %H:%M:%S}", one.ended_reason or "–"
        rows.add_row(Text(one.call_id), began, one.door, one.agent, Text(one.caller or "–"), Text(ended))
    console().print(rows)
