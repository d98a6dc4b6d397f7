"""`offhook vapi`: the assistant of an agent, written, checked, and put at Vapi."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.text import Text

from voice.agents.agent import Agents
from voice.agents.load import load_agents
from voice.agents.vapi_assistant import actions_of, vapi_assistant, ways_in
from voice.agents.vapi_line import transcriber_for
from voice.cli.doors import SHOWN, UNSIGNED, refuses_turns
from voice.cli.screen import Failed, console
from voice.cli.vapi.lint import Finding, in_order, lint, lint_parts, placed
from voice.cli.vapi.ours import lacking
from voice.cli.vapi.push import Request, clashes, difference, keeps_secret, masked, merged, requests
from voice.cli.vapi.read import Contents, assistants_in, read_json
from voice.cli.vapi.rest import VapiRest
from voice.cli.vapi.wrong import NUMBER, is_private, without_key
from voice.errors import BadRequest, SetupError
from voice.settings import Settings, load_settings, secret, secrets_in
from voice.tools.all import TOOLS
from voice.turn.own import said_at
from voice.types import Door

MARKS = {"harmful": ("✗", "red"), "costly": ("!", "yellow"), "note": ("·", "dim")}
KEPT = (
    "the secret at Vapi stays as it is, the server's half and the model's; "
    "use --with-secret to send both, as after a rotation"
)

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
    if with_secret:
        _need_secret(settings, found)
    _warn(settings, found)
    if not with_secret and _assistant(settings, agent, url, rescue, with_secret=True) != found:
        typer.echo("offhook: without the secret, Vapi is refused; give --with-secret, or push it", err=True)
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False))


@app.command("lint")
def lint_file(
    file: Annotated[
        str, typer.Argument(help="A file with an assistant's or a squad's JSON, or - for the standard input.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
) -> None:
    """Explain an assistant: what each setting costs in milliseconds, money or silence.

    Most harmful first. Where the assistant's model is one of our agents, its tools are compared with the
    agent's file. Exit status 1 when something is harmful.

    \b
    Examples:
      offhook vapi lint assistant.json
      curl -H "Authorization: Bearer $VAPI_API_KEY" https://api.vapi.ai/assistant/ID | offhook vapi lint -
    """
    contents = assistants_in(read_json(file), file)
    agents = _known_agents()
    found = in_order(
        [
            *lint_parts(contents.parts),
            *(one for part in contents.parts for one in placed(part, lacking(part.assistant, agents))),
        ]
    )
    harmful = sum(one.harm == "harmful" for one in found)
    if as_json:
        report = {"ok": not harmful, "findings": [asdict(one) for one in found], "notes": contents.notes}
        typer.echo(json.dumps(report, indent=2, ensure_ascii=False))
    else:
        _print(found, contents)
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
        bool,
        typer.Option("--with-secret", help="Send VAPI_SECRET to both doors of an assistant that is there."),
    ] = False,
    any_url: Annotated[
        bool,
        typer.Option("--any-url", help="Push a URL that Vapi cannot reach, or not safely, all the same."),
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
    if assistant_id is not None and not assistant_id.strip():
        raise typer.BadParameter("--id is empty: write the assistant's id, or leave it out")
    settings = load_settings()
    key = secret(settings.vapi_api_key)
    if not key:
        raise SetupError("VAPI_API_KEY is not set: take the private key from Vapi's dashboard")
    ours = _assistant(settings, agent, url, rescue, with_secret=True)
    if with_secret:
        _need_secret(settings, ours)
    if not any_url:
        _need_reach(ours)
    with VapiRest(settings.vapi_base_url, key) as rest:
        theirs = rest.read(assistant_id) if assistant_id else _only(rest.named(ours["name"]), ours["name"])
        wanted = merged(theirs, ours, with_secret=with_secret)
        if names := clashes(wanted):
            raise Failed(f"two tools would be called {names[0]}: rename or remove the one that is at Vapi")
        _warn(settings, ours)
        if keeps_secret(theirs, ours, wanted):
            typer.echo(f"offhook: {KEPT}", err=True)
        asked = next(requests(theirs, wanted), None)
        if asked is None:
            typer.echo(f"✓ assistant {theirs['id']} is as it should be; nothing to do")
            return
        typer.echo("\n".join(difference(theirs, wanted)))
        if dry_run:
            _show(settings.vapi_base_url, asked)
            return
        _send(rest, ours["name"], asked, yes)


def _show(base_url: str, asked: Request) -> None:
    method, path, body = asked
    shown = json.dumps(masked(body), indent=2, ensure_ascii=False)
    typer.echo(f"\nwould send: {method} {base_url}{path}\n{shown}")


def _send(rest: VapiRest, name: str, asked: Request, yes: bool) -> None:
    """Ask, and do it. Raises Failed when the answer is no."""
    method, path, body = asked
    is_new = method == "POST"
    _ask(f"{'Create' if is_new else 'Change'} {name!r} at Vapi?", yes)
    done = rest.create(body) if is_new else rest.change(path.rpartition("/")[2], body)
    typer.echo(f"✓ assistant {done['id']} is {'created' if is_new else 'changed'}")


def _known_agents() -> Agents | None:
    """The agents of this folder; None where it has none that can be read: a file is looked through anyway."""
    try:
        settings = load_settings()
        return load_agents(settings.agents_dir, settings.agent, TOOLS)
    except SetupError:
        return None


def _assistant(
    settings: Settings, agent: str, url: str | None, rescue: str | None, *, with_secret: bool
) -> dict[str, Any]:
    """The assistant of an agent, as the settings say how we are reached."""
    agents = load_agents(settings.agents_dir, settings.agent, TOOLS)
    one = agents.get(agent)
    if transcriber_for(one.language) is None:
        raise BadRequest(f"{agent}: language {one.language!r} is none that Vapi's transcribers know")
    base = url or settings.public_url
    if not base:
        raise SetupError("where Vapi reaches this server is not known: set OFFHOOK_PUBLIC_URL or give --url")
    _need_url(base)
    shown, in_path, key = (
        next(iter(secrets_in(setting)), None)
        for setting in (settings.vapi_secret, settings.vapi_path_key, settings.api_key)
    )
    # One way is enough; the first that is set opens both doors, the API key only the model's.
    in_path = None if shown else in_path
    key = None if shown or in_path or not settings.guards_vapi else key
    ways = ways_in(base, one.name, *((shown, in_path, key) if with_secret else (None, in_path)))
    return vapi_assistant(
        one,
        ways,
        actions=actions_of(one),
        voice=settings.vapi_voice,
        greeting=said_at(one, Door.VAPI, one.greeting),
        rescue=_number(rescue),
    )


def _need_url(base: str) -> None:
    """Raise BadRequest unless paths can be appended to a URL."""
    try:
        parts = urlsplit(base)
    except ValueError:
        raise BadRequest(f"--url {base!r} is no URL: write https://…") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadRequest(f"--url {base!r} is no URL: write https://…")
    if parts.fragment or (parts.query and "/vapi" not in parts.path) or parts.username:
        raise BadRequest(
            "--url must be a scheme, a host and a path: a password or a query has no place in it"
        )


def _need_reach(ours: Mapping[str, Any]) -> None:
    """Raise Failed where Vapi would not reach us: an assistant that is pushed may have callers at once."""
    url = ours["model"]["url"]
    if is_private(url, ours) or not url.startswith("https://"):
        raise Failed(
            f"Vapi cannot reach {without_key(url)}, or not safely: give a public https://…, as a tunnel's, "
            "with --url or OFFHOOK_PUBLIC_URL; --any-url pushes it all the same"
        )


def _need_secret(settings: Settings, ours: Mapping[str, Any]) -> None:
    """Raise SetupError when --with-secret has nothing to write. A key in the path is written without it."""
    if "credentials" not in ours and not settings.vapi_path_key:
        raise SetupError("--with-secret has no secret to send: set VAPI_SECRET")


def _warn(settings: Settings, ours: Mapping[str, Any]) -> None:
    """Say why Vapi would not reach us, or would be refused, before anybody rings."""
    for one in lint(ours):
        if one.path == "model.url":
            typer.echo(f"offhook: {one.path} {one.value}: {one.says}; write {one.write}", err=True)
    if refuses_turns(settings):
        typer.echo(f"offhook: {UNSIGNED}; set {SHOWN}", err=True)
    if not settings.guards_vapi and not settings.open:
        typer.echo(
            "offhook: without a secret, Vapi's doors answer to this machine only; set VAPI_SECRET", err=True
        )


def _number(rescue: str | None) -> str | None:
    if rescue is None or NUMBER.fullmatch(rescue):
        return rescue
    raise BadRequest(f"--rescue {rescue!r} cannot be dialled: write + and digits, as +14155550100")


def _print(found: list[Finding], contents: Contents) -> None:
    out = console()
    if not found and contents.parts:
        out.print("✓ nothing to mend")
    for one in found:
        mark, colour = MARKS[one.harm]
        cost = f"{one.ms} ms" if one.ms is not None else one.cost
        value = "not set" if one.value is None else one.value
        line = Text.assemble((mark, colour), f" {one.path} ({value}) · {cost}: {one.says}")
        line.append(f" → {one.write}", style="bold" if one.harm == "harmful" else "")
        out.print(line, soft_wrap=not out.is_terminal)  # one line each for whoever greps them
    for note in contents.notes:
        out.print(Text.assemble(MARKS["note"], f" {note}"), soft_wrap=not out.is_terminal)


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
