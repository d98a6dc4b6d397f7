"""`offhook agent`: who can answer, and whether an agent's file can be used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from voice.agents.agent import Agent
from voice.agents.doubts import doubts
from voice.agents.load import load_agents, names_in, read_agent, wrong_handoff
from voice.cli.languages import foreign
from voice.cli.screen import console, table
from voice.errors import AgentFileError, SetupError
from voice.settings import load_settings
from voice.tools.all import TOOLS

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def agent() -> None:
    """List the agents, or check an agent's file.

    \b
    Examples:
      offhook agent list
      offhook agent check agents/ava.toml
    """


@app.command("list")
def list_agents() -> None:
    """List every agent: the built-in ones and those in OFFHOOK_AGENTS_DIR.

    \b
    Example:
      offhook agent list
    """
    settings = load_settings()
    agents = load_agents(settings.agents_dir, settings.agent, TOOLS)
    rows = table("agent", "language", "first chunk", "tools", "greeting")
    for one in (agents.get(name) for name in agents.names):
        name = f"{one.name} (default)" if one is agents.default else one.name
        rows.add_row(name, one.language, _budget(one), ", ".join(one.tools) or "–", one.greeting)
    console().print(rows)


@app.command()
def check(file: Annotated[Path, typer.Argument(help="The agent's TOML file.")]) -> None:
    """Check an agent's file: every key, its type and its range. A line with ! works but is hardly meant.

    \b
    Example:
      offhook agent check agents/ava.toml
    """
    one = read_agent(file, TOOLS)
    if wrong := wrong_handoff(one, names_in(file.parent) | {one.name}):
        raise AgentFileError(f"{file}: {wrong}")
    for doubt in (*doubts(one), *_foreign(one)):
        typer.echo(f"! {file}: {doubt}")
    tools = f"tools: {', '.join(one.tools)}" if one.tools else "no tools"
    typer.echo(f"✓ {file}: agent {one.name!r} can answer; first chunk within {_budget(one)}, {tools}")


def _foreign(one: Agent) -> list[str]:
    try:
        settings = load_settings()
    except SetupError:  # they may not be those of the server that the file is for
        settings = None
    return [doubt] if (doubt := foreign(one, settings)) else []


def _budget(one: Agent) -> str:
    return f"{round(one.budget.first_chunk_s * 1000)} ms"
