"""Agents from TOML files: strict, so that a typing error is found at start and not by a caller.

A key that does not exist, has the wrong type or lies out of range ends the start with one
line: the file, the key's path, and what to write instead.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from voice.agents.agent import Agent, Agents, FillerKind
from voice.agents.http_tools import HttpTables
from voice.agents.transfer import transfer_targets
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
    "name", "persona", "greeting", "goodbye", "busy", "breaks_off", "fallbacks", "fillers", "fillers_for",
    "language", "system", "tools", "waits_for_goodbye", "transfer", "http_tools", "http_hosts",
    "http_private_hosts", "budgets", "model",
)  # fmt: skip
LINES = ("goodbye", "busy", "breaks_off", "language")  # one text each, and none of them needed
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
    if default not in agents:
        known = ", ".join(sorted(agents))
        raise AgentFileError(
            f"OFFHOOK_AGENT is {default!r}, but no file has that name; write one of: {known}"
        )
    return Agents(list(agents.values()), default)


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

    def __init__(self, path: Path, table: Mapping[str, Any]) -> None:
        self._path, self._table = path, table

    def agent(self, tools: Collection[str]) -> Agent:
        self._only(self._table, TOP_KEYS, "")
        transfer, http_tools = self._transfer(), self._http_tools(tools)
        agent = Agent(
            name=self._name(),
            persona=self._text("persona"),
            greeting=self._text("greeting"),
            fallbacks=self._lines("fallbacks", at_least=1),
            fillers=self._lines("fillers"),
            fillers_for=self._fillers_for(),
            system=self._system(),
            tools=self._tools({*tools, *(tool.spec.name for tool in http_tools)}, transfer),
            waits_for_goodbye=self._switch("waits_for_goodbye", default=True),
            transfer=transfer,
            http_tools=http_tools,
            budget=self._budget(),
            max_tokens=int(self._number("model", "max_tokens", 120, 8, 1000, whole=True)),
            temperature=self._number("model", "temperature", 0.3, 0, 2, whole=False),
        )
        texts: dict[str, Any] = {key: self._text(key) for key in LINES if key in self._table}
        return replace(agent, **texts)

    def _wrong(self, key: str, why: str, write: str) -> AgentFileError:
        return AgentFileError(f"{self._path}: {key}: {why}; write {write}")

    def _only(self, table: Mapping[str, Any], allowed: Collection[str], prefix: str) -> None:
        for key in table:
            if key not in allowed:
                close = get_close_matches(key, allowed, 1)
                raise self._wrong(
                    f"{prefix}{key}", "no such key", close[0] if close else f"one of {', '.join(allowed)}"
                )

    def _text(self, key: str) -> str:
        value = self._table.get(key)
        if value is None:
            raise self._wrong(key, "is missing", f'{key} = "…"')
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, f"{value!r} is not text", f'{key} = "…"')
        return value.strip()

    def _name(self) -> str:
        name = self._text("name")
        if not NAME.fullmatch(name):
            raise self._wrong(
                "name", f"{name!r} cannot stand in a URL", "letters, digits, '.', '_' and '-' only"
            )
        return name

    def _fillers_for(self) -> dict[FillerKind, tuple[str, ...]]:
        kinds: tuple[FillerKind, ...] = get_args(FillerKind)
        section = self._section("fillers_for", kinds)
        lines = {kind: self._lines(f"fillers_for.{kind}", section.get(kind, [])) for kind in kinds}
        if any(lines.values()) and not self._table.get("fillers"):
            raise self._wrong(
                "fillers", "is missing, so other utterances have no line", 'fillers = ["One moment."]'
            )
        return {kind: some for kind, some in lines.items() if some}

    def _lines(self, key: str, value: object = None, at_least: int = 0) -> tuple[str, ...]:
        value = self._table.get(key, []) if value is None else value
        if not isinstance(value, list) or not all(isinstance(line, str) and line.strip() for line in value):
            raise self._wrong(key, f"{value!r} is not a list of lines", f'{key} = ["…"]')
        if len(value) < at_least:
            raise self._wrong(key, "is empty, so a caller could be left in silence", f'{key} = ["…"]')
        return tuple(line.strip() for line in value)

    def _system(self) -> Any:
        value = self._table.get("system", "both")
        if value not in ("both", "ours", "theirs"):
            raise self._wrong("system", f"{value!r} is not a choice", '"both", "ours" or "theirs"')
        return value

    def _tools(self, known: Collection[str], transfer: Collection[TransferTarget]) -> tuple[str, ...]:
        names = self._lines("tools")
        for position, name in enumerate(names):
            if name not in known:
                choice = ", ".join(f'"{tool}"' for tool in sorted(known))
                raise self._wrong(f"tools[{position}]", f"{name!r} is no tool", f"some of {choice}")
            if name == "transfer" and not transfer:
                write = '[transfer.NAME] with number = "+1…" and for = "…"'
                raise self._wrong(f"tools[{position}]", "'transfer' has nobody to transfer to", write)
        return names

    def _transfer(self) -> tuple[TransferTarget, ...]:
        return transfer_targets(self._table.get("transfer", {}), self._wrong)

    def _http_tools(self, built_in: Collection[str]) -> tuple[HttpTool, ...]:
        hosts, private = self._lines("http_hosts"), self._lines("http_private_hosts")
        return HttpTables(hosts, private, self._wrong).tools(self._table.get("http_tools", []), built_in)

    def _switch(self, key: str, *, default: bool) -> bool:
        value = self._table.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, f"{value!r} is neither", "true or false")
        return value

    def _section(self, name: str, keys: Collection[str]) -> Mapping[str, Any]:
        section = self._table.get(name, {})
        if not isinstance(section, dict):
            raise self._wrong(name, f"{section!r} is not a table", f"[{name}] on a line of its own")
        self._only(section, keys, f"{name}.")
        return section

    def _budget(self) -> Budget:
        self._section("budgets", BUDGETS_MS)
        default = Budget()
        seconds = {
            key: self._number("budgets", key, getattr(default, f"{key[:-3]}_s") * 1000, low, high, whole=True)
            / 1000
            for key, (low, high) in BUDGETS_MS.items()
        }
        if seconds["reply_ms"] < seconds["first_chunk_ms"]:
            first = round(seconds["first_chunk_ms"] * 1000)
            raise self._wrong("budgets.reply_ms", "ends before the first chunk is due", f"{first} or more")
        return Budget(
            seconds["first_chunk_ms"], seconds["gap_ms"], seconds["reply_ms"], seconds["gather_hop_ms"]
        )

    def _number(
        self, section: str, key: str, default: float, low: float, high: float, *, whole: bool
    ) -> float:
        keys = BUDGETS_MS if section == "budgets" else MODEL_KEYS
        value = self._section(section, keys).get(key, default)
        kind = "a whole number" if whole else "a number"
        fits = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        if not fits or (whole and value != int(value)):
            raise self._wrong(f"{section}.{key}", f"{value!r} does not fit", f"{kind} from {low} to {high}")
        return float(value)
