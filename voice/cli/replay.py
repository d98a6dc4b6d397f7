"""`offhook replay`: a stored call once more, against the configuration that runs now."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import zip_longest
from typing import Annotated
from urllib.parse import quote

import httpx
import typer

from voice.cli.call import steerable
from voice.cli.conversation import INDENT, print_aside, print_caller
from voice.cli.lines import vapi_line
from voice.cli.replayed import Answer, Compared, answer_of, compared, told_of
from voice.cli.screen import Failed, waiting
from voice.cli.server import bind, running
from voice.cli.stored import missing_file, opened_store
from voice.clock import Budget
from voice.errors import BadRequest
from voice.settings import Settings, load_settings, secret
from voice.simulate.report import TurnReport
from voice.simulate.script import CALLER
from voice.simulate.vapi.line import Play, VapiLine
from voice.store.base import StoredCall
from voice.threads.speaking import spoken_s
from voice.types import CallId, Turn, words

app = typer.Typer(add_completion=False, rich_markup_mode=None)

NOTE = "replay"  # the note's kind; the report's variable is replay_of
PLAY = Play(steers=True)  # a real call has a control URL: what leaves past an answer leaves by it
ORDER_S = 2.0  # for what is ordered past an answer to come, where something was done to the call then


@app.command()
def replay(
    call_id: Annotated[str, typer.Argument(help="The call; `offhook export` lists the newest.")],
    url: Annotated[
        str | None, typer.Option(help="A server that runs, http://…; default: one of our own.")
    ] = None,
    agent: Annotated[str | None, typer.Option(help="Who is to answer; default: who did.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Other words count as a difference.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Play a stored call again and show what would be different.

    The caller says the same; what the agent says, and its tools do, is new and real. The replay is a call
    of its own. Exit status 1 when a turn is late, silent or a fallback that was not, lacks a tool, or does
    something else to the call: no transfer, another hang-up.

    \b
    Examples:
      offhook replay CALL_ID
      offhook replay CALL_ID --strict --json
      offhook replay CALL_ID --url http://127.0.0.1:8000
    """
    logging.basicConfig(level=logging.ERROR, format="offhook: %(message)s")
    settings = load_settings()
    stored = asyncio.run(_stored(settings, CallId(call_id)))
    replay_id, turns = asyncio.run(replayed(settings, stored, url, agent, strict=strict))
    same = not any(turn.differs for turn in turns)
    if as_json:
        told = {"call_id": call_id, "replay_id": replay_id, "same": same}
        typer.echo(json.dumps(told | {"turns": [turn.as_json() for turn in turns]}, ensure_ascii=False))
    else:
        _print(replay_id, turns)
    if not same:
        raise typer.Exit(1)


async def _stored(settings: Settings, call_id: CallId) -> StoredCall:
    found = None
    if not missing_file(settings):
        async with opened_store(settings) as store:
            found = await store.find(call_id)
    if found is None:
        raise Failed(f"no call {call_id!r} is stored; `offhook export` lists the newest")
    if not _said(found):
        raise Failed(f"the caller said nothing in call {call_id!r}; there is nothing to play again")
    return found


def _said(stored: StoredCall) -> list[Turn]:
    """The turns to play: not those whose words the next turn has again, because the caller talked on."""
    turns = [turn for turn in stored.turns if turn.said]
    return [
        turn
        for turn, later in zip_longest(turns, turns[1:])
        if later is None or turn.was_heard or not _goes_on(turn.said, later.said)
    ]


def _goes_on(said: str, later: str) -> bool:
    begun = words(said)
    return words(later)[: len(begun)] == begun


async def replayed(
    settings: Settings, stored: StoredCall, url: str | None, agent: str | None, *, strict: bool
) -> tuple[str, list[Compared]]:
    """Play it: the id of the new call, and each turn then and now. Raises Failed."""
    name, budget = agent or stored.record.agent, Budget()
    async with AsyncExitStack() as stack:
        note = None
        if url is None:
            settings = steerable(settings)
            with waiting("Starting a server …"):
                server = await stack.enter_async_context(running(settings, bind("127.0.0.1", 0)))
            if agent is None and name not in server.brain.agents:
                raise Failed(f"the agent {name!r} of this call is gone; choose one with --agent")
            budget, url, note = server.brain.agents.get(name).budget, server.url, server.brain.calls.note
        line = vapi_line(
            url.rstrip("/"),
            settings,
            agent=name,
            caller=stored.record.caller or CALLER,
            budget_s=budget.first_chunk_s,
            play=PLAY,
            variables={"replay_of": stored.record.call_id},
        )
        try:
            turns = await _play(line, url.rstrip("/"), settings, _said(stored), budget, strict=strict)
        except BadRequest as exc:
            raise Failed(f"the server at {url}: {exc}") from exc
        except httpx.HTTPError as exc:
            raise Failed(f"nobody answers at {url} ({type(exc).__name__})") from exc
        if note is not None:
            note(CallId(line.call_id), NOTE, {"of": stored.record.call_id})
    return line.call_id, turns


async def _play(
    line: VapiLine, url: str, settings: Settings, then: list[Turn], budget: Budget, *, strict: bool
) -> list[Compared]:
    """Say again what was said, as long as the line is open."""
    reports: list[TurnReport] = []
    try:
        await line.dial()
        for turn in then:
            if line.is_over:
                break
            report = await line.say(turn.said)
            does = await line.acts(_order_s(report) if turn.effect is not None else 0)
            reports.append(replace(report, acted=report.acted or does))
        now = await _told(url, settings, line.call_id)
    finally:
        await line.hang_up()
    due_ms = budget.first_chunk_s * 1000
    answers: list[Answer | None] = [
        answer_of(report, now[place] if place < len(now) else None, due_ms)
        for place, report in enumerate(reports)
    ]
    answers += [None] * (len(then) - len(answers))
    return [
        compared(before.said, told_of(before, due_ms), after, strict=strict)
        for before, after in zip(then, answers, strict=True)
    ]


def _order_s(report: TurnReport) -> float:
    """How long to wait for an order: it comes when the words have been spoken."""
    return spoken_s(len(report.heard)) + ORDER_S


async def _told(url: str, settings: Settings, call_id: str) -> list[dict[str, object]]:
    """The turns as the server that took them tells them; none where it may not be asked."""
    token = secret(settings.admin_token)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(trust_env=False, headers=headers) as http:
        answer = await http.get(f"{url}/admin/calls/{quote(call_id, safe='')}")
    if answer.status_code != 200:
        typer.echo("offhook: routes and tools are told only with the server's OFFHOOK_ADMIN_TOKEN", err=True)
        return []
    turns: list[dict[str, object]] = answer.json()["turns"]
    return turns


def _print(replay_id: str, turns: list[Compared]) -> None:
    for turn in turns:
        print_caller(turn.said)
        for when, answer in (("then", turn.then), ("now", turn.now)):
            typer.echo(f"{when:<8}{answer.words or '(silence)' if answer else '(the line was over)'}")
            if answer:
                print_aside(answer.line())
                for words_of_others in answer.besides:
                    print_aside(f"others said: {words_of_others}")
        if turn.differs:
            typer.echo(INDENT + typer.style(f"different: {', '.join(turn.differs)}", fg=typer.colors.YELLOW))
    count = sum(bool(turn.differs) for turn in turns)
    typer.echo(f"{count} of {len(turns)} turns are different enough; the replay is call {replay_id}")
