"""`offhook vapi`: the assistant of an agent, written, checked, and put at Vapi."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from voice.agents.load import load_agents
from voice.agents.vapi_assistant import actions_of, vapi_assistant, ways_in
from voice.cli.screen import Failed, console
from voice.cli.vapi_lint import Finding, lint
from voice.cli.vapi_push import difference, masked, merged, requests
from voice.cli.vapi_rest import VapiRest
from voice.cli.vapi_wrong import NUMBER
from voice.errors import BadRequest, SetupError
from voice.settings import Settings, load_settings, secret, secrets_in
from voice.tools.all import TOOLS

MARKS = {"harmful": ("✗", "red"), "costly": ("!", "yellow"), "note": ("·", "dim")}
MAX_BYTES = 2_000_000

Url = Annotated[
    str | None, typer.Option(help="Where Vapi reaches this server.  [default: OFFHOOK_PUBLIC_URL]")
]
Rescue = Annotated[str | None, typer.Option(help="The number, +1…, that a broken call is transferred to.")]
Agent = Annotated[str, typer.Argument(help="The agent's name.")]

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def vapi() -> None:
    """Write, check and push the Vapi assistant of an agent.

    \b
    Examples:
      offhook vapi assistant jamie --url https://voice.example.com
      offhook vapi lint assistant.json
      offhook vapi push jamie
    """


@app.command()
def assistant(
    agent: Agent,
    url: Url = None,
    rescue: Rescue = None,
    with_secret: Annotated[
        bool, typer.Option("--with-secret", help="Write VAPI_SECRET into it, as push does.")
    ] = False,
) -> None:
    """Print the assistant of an agent: the JSON to create at Vapi.

    \b
    Example:
      offhook vapi assistant jamie --url https://voice.example.com > jamie.json
    """
    settings = load_settings()
    found = _assistant(settings, agent, url, rescue, with_secret=with_secret)
    if settings.vapi_secret and not with_secret:
        typer.echo("offhook: without the secret, Vapi is refused; give --with-secret, or push it", err=True)
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False))


@app.command("lint")
def lint_file(
    file: Annotated[
        str, typer.Argument(help="A file with an assistant's JSON, or - for the standard input.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
) -> None:
    """Explain an assistant: what each setting costs in milliseconds, money or silence.

    Most harmful first. Exit status 1 when something is harmful.

    \b
    Examples:
      offhook vapi lint assistant.json
      curl -H "Authorization: Bearer $VAPI_API_KEY" https://api.vapi.ai/assistant/ID | offhook vapi lint -
    """
    found = lint(_read(file))
    harmful = sum(one.harm == "harmful" for one in found)
    if as_json:
        report = {"ok": not harmful, "findings": [asdict(one) for one in found]}
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        _print(found)
    if harmful:
        raise typer.Exit(1)


@app.command()
def push(
    agent: Agent,
    url: Url = None,
    rescue: Rescue = None,
    assistant_id: Annotated[
        str | None, typer.Option("--id", help="The assistant to change.  [default: the one of this name]")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the requests and send none that changes.")
    ] = False,
    with_secret: Annotated[
        bool, typer.Option("--with-secret", help="Send VAPI_SECRET again, though a credential is there.")
    ] = False,
) -> None:
    """Create or change an agent's assistant at Vapi, with VAPI_API_KEY.

    Shows the difference first, and asks. What was chosen at Vapi and is not ours stays: the voice,
    the transcriber, further tools and hooks.

    \b
    Examples:
      offhook vapi push jamie --dry-run
      offhook vapi push jamie --url https://voice.example.com --yes
    """
    settings = load_settings()
    key = secret(settings.vapi_api_key)
    if not key:
        raise SetupError("VAPI_API_KEY is not set: take the private key from Vapi's dashboard")
    ours = _assistant(settings, agent, url, rescue, with_secret=True)
    with VapiRest(settings.vapi_base_url, key) as rest:
        theirs = rest.read(assistant_id) if assistant_id else _only(rest.named(ours["name"]), ours["name"])
        wanted = merged(theirs, ours, with_secret=with_secret)
        asked = next(requests(theirs, wanted), None)
        if asked is None:
            typer.echo(f"✓ assistant {theirs['id']} is as it should be; nothing to do")
            return
        typer.echo("\n".join(difference(theirs, wanted)))
        method, path, body = asked
        if dry_run:
            shown = json.dumps(masked(body), indent=2, ensure_ascii=False)
            typer.echo(f"\nwould send: {method} {settings.vapi_base_url}{path}\n{shown}")
            return
        _ask(f"{'Create' if method == 'POST' else 'Change'} {ours['name']!r} at Vapi?", yes)
        done = rest.create(body) if method == "POST" else rest.change(str(theirs["id"]), body)
    typer.echo(f"✓ assistant {done['id']} is {'created' if method == 'POST' else 'changed'}")


def _assistant(
    settings: Settings, agent: str, url: str | None, rescue: str | None, *, with_secret: bool
) -> dict[str, Any]:
    """The assistant of an agent, as the settings say how we are reached."""
    agents = load_agents(settings.agents_dir, settings.agent, TOOLS)
    one = agents.get(agent)
    base = url or settings.public_url
    if not base:
        raise SetupError("where Vapi reaches this server is not known: set OFFHOOK_PUBLIC_URL or give --url")
    if not base.startswith(("https://", "http://")):
        raise SetupError(f"--url {base!r} is no URL: write https://…")
    shown = next(iter(secrets_in(settings.vapi_secret)), None) if with_secret else None
    in_path = next(iter(secrets_in(settings.vapi_path_key)), None) if not settings.vapi_secret else None
    ways = ways_in(base, one.name, shown, in_path)
    return vapi_assistant(
        one, ways, actions=actions_of(one), voice=settings.vapi_voice, rescue=_number(rescue)
    )


def _number(rescue: str | None) -> str | None:
    if rescue is None or NUMBER.fullmatch(rescue):
        return rescue
    raise BadRequest(f"--rescue {rescue!r} cannot be dialled: write + and digits, as +14155550100")


def _read(file: str) -> dict[str, Any]:
    """An assistant's JSON: bare, or in `assistant` as an assistant-request is answered."""
    try:
        text = sys.stdin.read(MAX_BYTES) if file == "-" else Path(file).read_text(encoding="utf-8")
        found = json.loads(text)
    except OSError as exc:
        raise Failed(f"{file}: {exc.strerror or 'cannot be read'}") from exc
    except (ValueError, RecursionError):
        raise Failed(f"{file}: is not JSON") from None
    inner = found.get("assistant") if isinstance(found, dict) else None
    assistant = inner if isinstance(inner, dict) else found
    if not isinstance(assistant, dict):
        raise BadRequest(f"{file}: an assistant is a JSON object")
    return assistant


def _print(found: list[Finding]) -> None:
    out = console()
    if not found:
        out.print("✓ nothing to mend")
    for one in found:
        mark, colour = MARKS[one.harm]
        cost = f"{one.ms} ms" if one.ms is not None else one.cost
        value = "not set" if one.value is None else one.value
        line = Text.assemble((mark, colour), f" {one.path} ({value}) · {cost}: {one.says}")
        line.append(f" → {one.write}", style="bold" if one.harm == "harmful" else "")
        out.print(line)


def _only(found: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The one assistant of a name; {} when there is none yet."""
    if len(found) > 1:
        ids = ", ".join(str(one.get("id")) for one in found)
        raise Failed(f"{len(found)} assistants are called {name!r}: name one with --id ({ids})")
    return found[0] if found else {}


def _ask(question: str, yes: bool) -> None:
    try:
        if yes or typer.confirm(question):
            return
    except typer.Abort:
        typer.echo(err=True)
    raise Failed("nothing was changed; --yes does not ask")
