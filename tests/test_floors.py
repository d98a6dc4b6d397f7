"""What may import what: the table of floors as data, every import statement checked."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OWN = ("voice", "handlers", "runpod_handler")

# Floor 0, in this order only: each may import those before it.
WORDS = ("types", "clock", "errors", "events", "settings", "job")
FLOORS = {
    0: [f"voice.{word}" for word in WORDS],
    1: [f"voice.{room}" for room in ("store", "models", "engines", "telemetry")],
    2: [
        f"voice.{room}"
        for room in ("agents", "threads", "speech", "routing", "tools", "simulate", "training")
    ],
    3: [
        "voice.call",
        "voice.turn",
        "voice.ledger",
        "voice.hosts",
        "voice.turns",
        "voice.calls",
        "voice.brain",
    ],
    4: ["handlers"],
    5: ["voice.cli"],
}
INTERFACES = ("voice.store.base", "voice.models.base")  # all that the crafts may know of floor 1
ROAD = (
    "voice.turn.live",
    "voice.call",
    "voice.turn",
    "voice.ledger",
    "voice.hosts",
    "voice.turns",
    "voice.calls",
    "voice.brain",
)  # each knows those before it
SIDEWAYS = {
    ("voice.models.embedded", "voice.engines"),
    # Server-sent events are read in one place: a model server on loopback sends them, too.
    ("voice.engines.openai_reply", "voice.models.sse"),
}
# A door knows no other door: what they share stands in modules beside them.
DOORS = {
    f"handlers.{door}"
    for door in (
        "admin",
        "chat",
        "health",
        "openai",
        "outbound",
        "relay.action",
        "twilio.amd",
        "twilio.dialled",
        "twilio.gather",
        "twilio.recording",
        "relay.relay",
        "twilio.status",
        "twilio.voice",
        "vapi.events",
        "vapi.llm",
    )
}
ROOMS_OF_DOORS = ("handlers", "handlers.relay", "handlers.twilio", "handlers.vapi")
ANNEX = tuple(
    f"voice.{name}" for name in ("types", "clock", "errors", "settings", "job", "engines", "telemetry.logs")
)

# Third-party packages, by the module that may import them.
LIBRARIES = {
    "voice.settings": {"pydantic", "pydantic_settings", "typing_extensions"},
    "voice.store": {"sqlalchemy", "alembic", "aiosqlite", "asyncpg", "orjson"},
    "voice.models": {"httpx", "httptools", "aiohappyeyeballs", "orjson"},
    "voice.engines": {"onnxruntime_genai", "onnxruntime", "numpy", "orjson"},
    # The GPU image has no httpx; aiohttp comes with RunPod's SDK.
    "voice.engines.openai_line": {"aiohttp"},
    "voice.engines.transformers_batch": {"torch", "transformers", "peft"},
    "voice.telemetry": {"sentry_sdk", "prometheus_client", "opentelemetry", "orjson"},
    "voice.simulate": {"httpx", "uvicorn", "websockets"},
    "voice.agents": {"jsonschema"},
    "voice.tools": {"httpx", "jsonschema", "referencing"},
    "voice.training": {
        "torch",
        "transformers",
        "tokenizers",
        "onnx",
        "onnx_ir",
        "onnxruntime_genai",
        "numpy",
    },
    "voice.brain": {"httpx"},
    "handlers": {"starlette", "pydantic", "orjson"},
    "handlers.hand_on": {"aiohttp", "yarl"},
    "handlers.gathered": {"prometheus_client"},
    "handlers.vapi.control": {"httpx"},
    "handlers.twilio.rest": {"httpx"},
    "handlers.vapi.tokens": {"jwt"},
    "handlers.vapi.keys": {"jwt"},
    "handlers.twilio.telnyx_signature": {"cryptography"},
    "handlers.twilio.twiml": {"twilio"},
    "voice.cli.bench": {"httptools", "websockets"},
    "voice.cli": {"typer", "rich", "uvicorn", "uvloop", "click", "httpx", "pydantic"},
    "runpod_handler": {"runpod", "uvicorn", "uvloop"},
}


@dataclass(frozen=True)
class Import:
    """One import statement: `who` imports `what`, a module or a name in one."""

    who: str
    what: str
    line: int
    for_types_only: bool

    def __str__(self) -> str:
        return f"{self.who}:{self.line} imports {self.what}"


def module_of(path: Path) -> str:
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def sources() -> list[Path]:
    return sorted(
        [*ROOT.glob("voice/**/*.py"), *ROOT.glob("handlers/**/*.py"), *ROOT.glob("runpod_handler.py")]
    )


def imports_of(path: Path) -> Iterator[Import]:
    who = module_of(path)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typed = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{who}:{node.lineno}: relative imports hide where a name lives"
            names = [node.module or ""]
        else:
            continue
        for name in names:
            yield Import(who, name, node.lineno, id(node) in typed)


def is_in(module: str, place: str) -> bool:
    return module == place or module.startswith(place + ".")


def floor_of(module: str) -> int | None:
    return next((floor for floor, places in FLOORS.items() for place in places if is_in(module, place)), None)


def room_of(module: str) -> str:
    return next(place for places in FLOORS.values() for place in places if is_in(module, place))


def last_place(module: str, places: tuple[str, ...]) -> int:
    return max((i for i, place in enumerate(places) if is_in(module, place)), key=lambda i: len(places[i]))


def own_import_is_allowed(one: Import) -> bool:
    if is_in(one.who, "voice.cli"):
        return True
    if one.what in ROOMS_OF_DOORS:  # `from handlers import chat`
        return one.who == "handlers.app"
    if one.who == "runpod_handler":
        return any(is_in(one.what, place) for place in ANNEX)
    mine, theirs = floor_of(one.who), floor_of(one.what)
    assert mine is not None, f"{one.who} stands on no floor: give it one in FLOORS"
    assert theirs is not None, f"{one}: it stands on no floor"
    if mine == 0:
        # `<=`: settings is a folder, whose files know each other.
        return theirs == 0 and WORDS.index(one.what.split(".")[1]) <= WORDS.index(one.who.split(".")[1])
    if is_in(one.who, "handlers"):
        return theirs <= 4 and (one.what not in {*DOORS, "handlers.app"} or one.who == "handlers.app")
    if room_of(one.who) == room_of(one.what):
        return True
    if mine == 3 and theirs == 3:
        return last_place(one.what, ROAD) < last_place(one.who, ROAD) or one.for_types_only
    if mine == 2 and theirs == 1:
        return one.what in INTERFACES
    if mine == 3 and theirs == 1:
        # The brain builds floor 1; the road knows its interfaces, puts the call's id into the logs, and
        # keeps what tools are asked by the rule of whatever is written down.
        written = ("voice.telemetry.logs", "voice.telemetry.masked")
        return one.who == "voice.brain" or one.what in (*INTERFACES, *written)
    is_sideways = any(is_in(one.who, who) and is_in(one.what, what) for who, what in SIDEWAYS)
    return theirs < mine or is_sideways


def libraries_of(module: str) -> set[str]:
    return {name for place, names in LIBRARIES.items() if is_in(module, place) for name in names}


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_a_module_imports_from_lower_floors_only(path: Path) -> None:
    wrong = [
        str(one)
        for one in imports_of(path)
        if one.what.split(".")[0] in OWN and not own_import_is_allowed(one)
    ]

    assert wrong == []


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_a_library_is_imported_only_where_it_belongs(path: Path) -> None:
    foreign = [
        one
        for one in imports_of(path)
        if one.what.split(".")[0] not in {*OWN, *sys.stdlib_module_names, "__future__"}
    ]

    wrong = [str(one) for one in foreign if one.what.split(".")[0] not in libraries_of(one.who)]

    assert wrong == []


def test_the_table_would_catch_a_wrong_import() -> None:
    assert not own_import_is_allowed(Import("voice.turn.take", "handlers.app", 1, False))
    assert not own_import_is_allowed(Import("voice.types", "voice.clock", 1, False))
    assert not own_import_is_allowed(Import("voice.threads.thread", "voice.store.sql", 1, False))
    assert not own_import_is_allowed(Import("voice.store.sql", "voice.models.base", 1, False))
    assert not own_import_is_allowed(Import("handlers.chat", "handlers.openai", 1, False))
    assert not own_import_is_allowed(Import("handlers.openai", "handlers.vapi", 1, False))
    assert not own_import_is_allowed(Import("runpod_handler", "voice.brain", 1, False))


def test_every_folder_of_the_house_stands_in_the_table() -> None:
    rooms = {f"voice.{path.name}" for path in (ROOT / "voice").iterdir() if (path / "__init__.py").exists()}

    missing = [room for room in rooms if floor_of(room) is None]

    assert missing == []
