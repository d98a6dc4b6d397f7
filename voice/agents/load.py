"""Agents from TOML files: strict, so that a typing error is found at start and not by a caller.

A key that does not exist, has the wrong type or lies out of range ends the start with one
line: the file, the key's path, and what to write instead.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from voice.agents.agent import MAX_CALL_S, SILENCE_S, Agent, Agents, FillerKind, SystemRule
from voice.agents.handoff import ONE_OF, handoff_targets
from voice.agents.http_tools import HttpTables
from voice.agents.speech import SPEECH_KEYS, speech_table
from voice.agents.table import Table
from voice.agents.transfer import transfer_targets
from voice.agents.twilio import CODE, TWILIO_KEYS, TwilioLine, twilio_line
from voice.agents.vapi_line import VAPI_KEYS, vapi_table
from voice.clock import Budget
from voice.errors import AgentFileError
from voice.types import HttpTool, TransferTarget

BUILT_IN = Path(__file__).parent / "personas"

# Upper bounds are the platforms' own limits less room for the network: Twilio ends a webhook after 15 s.
BUDGETS_MS = {
    "first_chunk_ms": (100, 10_000),
    "gap_ms": (500, 10_000),
    "reply_ms": (500, 60_000),
    "gather_hop_ms": (500, 12_000),
}
TOP_KEYS = (
    "name", "persona", "greeting", "goodbye", "busy", "unanswered", "breaks_off", "fallbacks", "fillers",
    "fillers_for", "nudges", "silence_s", "max_call_s", "voicemail", "consent", "language", "system",
    "tools", "waits_for_goodbye", "transfer", "handoff", "http_tools", "http_hosts", "http_private_hosts",
    "budgets", "model", "twilio", "vapi", "speech", "lexicon",
)  # fmt: skip
REQUIRED = ("name", "persona", "greeting", "fallbacks")
LINES = ("goodbye", "busy", "unanswered", "breaks_off", "language")  # one text each, and none of them needed
SILENCE_RANGE_S = (2, 60)  # below two seconds people are still thinking
MAX_CALL_RANGE_S = (60, 14_400)  # to four hours, at which Twilio ends a call by itself
NAME = re.compile(r"[A-Za-z0-9_.-]+")
MODEL_KEYS = ("max_tokens", "temperature")


def load_agents(folder: Path | None, default: str, tools: Collection[str]) -> Agents:
    """The built-in agents and those in `folder`, which win over built-in ones of the same name.

    `tools` are the names that any agent may list, besides its own HTTP tools. Raises AgentFileError.
    """
    if folder is not None and not folder.is_dir():
        raise AgentFileError(f"{folder}: no such folder; OFFHOOK_AGENTS_DIR must name a folder of TOML files")
    files = [*sorted(BUILT_IN.glob("*.toml")), *(sorted(folder.glob("*.toml")) if folder else ())]
    agents: dict[str, Agent] = {}
    places: dict[str, Path] = {}
    for path in files:
        agent = read_agent(path, tools)
        if agent.name in agents and places[agent.name].parent == path.parent:
            raise AgentFileError(
                f"{path}: name: {agent.name!r} is also the name in {places[agent.name].name}"
            )
        agents[agent.name], places[agent.name] = agent, path
    for agent in agents.values():
        if unknown := wrong_handoff(agent, agents):
            raise AgentFileError(f"{places[agent.name]}: {unknown}")
    if default not in agents:
        known = ", ".join(sorted(agents))
        raise AgentFileError(
            f"OFFHOOK_AGENT is {default!r}, but no file has that name; write one of: {known}"
        )
    return Agents(list(agents.values()), default)


def names_in(folder: Path) -> set[str]:
    """The names of the agents in a folder, and of the built-in ones. Files that cannot be read have none."""
    found = set()
    for path in (*BUILT_IN.glob("*.toml"), *folder.glob("*.toml")):
        try:
            name = tomllib.loads(path.read_text(encoding="utf-8")).get("name")
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue
        found |= {name} if isinstance(name, str) else set()
    return found


def wrong_handoff(agent: Agent, names: Collection[str]) -> str | None:
    """What is wrong with an agent's handoffs, given the names of all agents of this house; None: nothing."""
    for one in agent.handoff:
        if one.is_ours and (one.to not in names or one.to == agent.name):
            why = f"no agent is called {one.to!r}" if one.to != agent.name else "is this agent itself"
            others = ", ".join(sorted(set(names) - {agent.name})) or "no other agent's: there is none"
            return f"handoff.{one.name}.agent: {why}; write the name of another: {others}"
    return None


def read_agent(path: Path, tools: Collection[str]) -> Agent:
    """One agent's file. Raises AgentFileError with the file, the key's path and what to write instead."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as exc:
        raise AgentFileError(f"{path}: cannot be read: {exc}") from exc
    except tomllib.TOMLDecodeError as exc:
        raise AgentFileError(f"{path}: is not TOML: {exc}") from exc
    return _Reader(path, table).agent(tools)


class _Reader:
    """Takes one file's table apart, checking as it goes."""

    def __init__(self, path: Path, found: Mapping[str, Any]) -> None:
        self._table = Table(path, found)

    def agent(self, tools: Collection[str]) -> Agent:
        table = self._table
        table.only(TOP_KEYS)
        table.needs(REQUIRED)
        transfer, http_tools = (
            transfer_targets(table.get("transfer", {}), table.wrong),
            self._http_tools(tools),
        )
        model = table.table("model", MODEL_KEYS)
        agent = Agent(
            name=self._name(),
            persona=table.text("persona"),
            greeting=table.text("greeting"),
            fallbacks=table.lines("fallbacks", at_least=1),
            fillers=table.lines("fillers"),
            fillers_for=self._fillers_for(),
            nudges=table.lines("nudges"),
            silence_s=table.number("silence_s", SILENCE_S, *SILENCE_RANGE_S, whole=False),
            max_call_s=table.number("max_call_s", MAX_CALL_S, *MAX_CALL_RANGE_S, whole=False),
            voicemail=table.text_or_none("voicemail"),
            consent=table.text_or_none("consent"),
            system=table.choice("system", get_args(SystemRule), "both"),
            tools=self._tools({*tools, *(tool.spec.name for tool in http_tools)}, transfer),
            waits_for_goodbye=table.switch("waits_for_goodbye", default=True),
            transfer=transfer,
            handoff=handoff_targets(table.get("handoff", {}), table.wrong),
            http_tools=http_tools,
            budget=self._budget(),
            lexicon=tuple(table.texts("lexicon").items()),
            twilio=(line := self._twilio()),
            speech=speech_table(table.table("speech", SPEECH_KEYS), line),
            vapi=vapi_table(table.table("vapi", VAPI_KEYS)),
            max_tokens=int(model.number("max_tokens", 120, 8, 1000, whole=True)),
            temperature=model.number("temperature", 0.3, 0, 2, whole=False),
        )
        texts: dict[str, Any] = {key: table.text(key) for key in LINES if key in table}
        if "language" in texts and not CODE.fullmatch(texts["language"]):
            raise table.wrong("language", f"{texts['language']!r} is no language", 'language = "en-US"')
        return replace(agent, **texts)

    def _name(self) -> str:
        name = self._table.text("name")
        if not NAME.fullmatch(name):
            write = "letters, digits, '.', '_' and '-' only"
            raise self._table.wrong("name", f"{name!r} cannot stand in a URL", write)
        return name

    def _fillers_for(self) -> dict[FillerKind, tuple[str, ...]]:
        kinds: tuple[FillerKind, ...] = get_args(FillerKind)
        section = self._table.table("fillers_for", kinds)
        lines = {kind: section.lines(kind) for kind in kinds}
        if any(lines.values()) and not self._table.get("fillers"):
            write = 'fillers = ["One moment."]'
            raise self._table.wrong("fillers", "is missing, so other utterances have no line", write)
        return {kind: some for kind, some in lines.items() if some}

    def _tools(self, known: Collection[str], transfer: Collection[TransferTarget]) -> tuple[str, ...]:
        names = self._table.lines("tools")
        for position, name in enumerate(names):
            if name in names[:position]:
                raise self._table.wrong(f"tools[{position}]", f"{name!r} is listed twice", "each tool once")
            if name not in known:
                choice = ", ".join(f'"{tool}"' for tool in sorted(known))
                raise self._table.wrong(f"tools[{position}]", f"{name!r} is no tool", f"some of {choice}")
            if name == "transfer" and not transfer:
                write = '[transfer.NAME] with number = "+1…" and for = "…"'
                why = "'transfer' has nobody to transfer to"
                raise self._table.wrong(f"tools[{position}]", why, write)
            if name == "handoff" and not self._table.get("handoff"):
                write = f'[handoff.NAME] with for = "…" and {ONE_OF}'
                raise self._table.wrong(f"tools[{position}]", "'handoff' has nobody to hand a call to", write)
        return names

    def _http_tools(self, built_in: Collection[str]) -> tuple[HttpTool, ...]:
        hosts, private = self._table.lines("http_hosts"), self._table.lines("http_private_hosts")
        found = self._table.get("http_tools", [])
        return HttpTables(hosts, private, self._table.wrong).tools(found, built_in)

    def _twilio(self) -> TwilioLine:
        line = twilio_line(self._table.table("twilio", TWILIO_KEYS))
        if line.record and "consent" not in self._table:
            write = 'consent = "This call is recorded."'
            raise self._table.wrong("twilio.record", "records callers who were not told", write)
        return line

    def _budget(self) -> Budget:
        section, default = self._table.table("budgets", BUDGETS_MS), Budget()
        seconds = {
            key: section.number(key, getattr(default, f"{key[:-3]}_s") * 1000, low, high, whole=True) / 1000
            for key, (low, high) in BUDGETS_MS.items()
        }
        if seconds["reply_ms"] < seconds["first_chunk_ms"]:
            first = round(seconds["first_chunk_ms"] * 1000)
            raise section.wrong("reply_ms", "ends before the first chunk is due", f"{first} or more")
        return Budget(
            seconds["first_chunk_ms"], seconds["gap_ms"], seconds["reply_ms"], seconds["gather_hop_ms"]
        )
