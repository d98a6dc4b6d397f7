"""Every setting, command, event, tool, key, error and route is documented, and what is documented exists."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from typer.main import get_command

from handlers.app import create_app
from voice import errors
from voice.agents.load import BUDGETS_MS, MODEL_KEYS, TOP_KEYS
from voice.cli.main import app
from voice.events import Event
from voice.settings import Settings, env_name
from voice.tools.all import TOOLS

ROOT = Path(__file__).parent.parent
PAGES = {page.name: page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")}
README = (ROOT / "README.md").read_text(encoding="utf-8")


def error_names(cls: type[Exception] = errors.VoiceError) -> list[str]:
    """Every error that leaves its module; a room may have one of its own, marked with an underscore."""
    subs = [sub for sub in cls.__subclasses__() if not sub.__name__.startswith("_")]
    return [cls.__name__, *(name for sub in subs for name in error_names(sub))]


@pytest.mark.parametrize("field", sorted(Settings.model_fields))
def test_every_setting_is_documented_with_what_it_is_for(field: str) -> None:
    assert f"`{env_name(field)}`" in PAGES["settings.md"]
    assert Settings.model_fields[field].description


def test_no_setting_is_documented_that_does_not_exist() -> None:
    known = {env_name(field) for field in Settings.model_fields}
    switches = {"OFFHOOK_TEST_POSTGRES_URL"}

    named = {name for text in [README, *PAGES.values()] for name in re.findall(r"\bOFFHOOK_[A-Z_]+\b", text)}

    assert named - known - switches == set()


@pytest.mark.parametrize("command", sorted(get_command(app).commands))  # type: ignore[attr-defined]  # a group
def test_every_command_is_documented(command: str) -> None:
    assert f"offhook {command}" in PAGES["commands.md"]


@pytest.mark.parametrize("event", [event.__name__ for event in get_args(Event)])
def test_every_event_is_documented(event: str) -> None:
    assert f"`{event}`" in PAGES["watching.md"]


@pytest.mark.parametrize("error", error_names())
def test_every_error_is_documented(error: str) -> None:
    assert f"`{error}`" in PAGES["errors.md"]


@pytest.mark.parametrize("tool", sorted(TOOLS))
def test_every_tool_has_its_paragraph(tool: str) -> None:
    assert f"\n## {tool}\n" in PAGES["tools.md"]


@pytest.mark.parametrize("key", [*TOP_KEYS, *BUDGETS_MS, *MODEL_KEYS])
def test_every_key_of_an_agents_file_is_documented(key: str) -> None:
    assert f"`{key}`" in PAGES["agents.md"] or f"`[{key}]`" in PAGES["agents.md"]


def test_every_route_is_documented() -> None:
    text = README + "".join(PAGES.values())
    paths = {getattr(route, "path", "").rstrip("/") for route in create_app().routes}

    missing = [path for path in paths if path and "{" not in path and path not in text]

    assert missing == []


def test_links_between_pages_lead_somewhere() -> None:
    pages = {"README.md": README, **{f"docs/{name}": text for name, text in PAGES.items()}}

    broken = [
        f"{page}: {link}"
        for page, text in pages.items()
        for link in re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", text)
        if not ((ROOT / page).parent / link).exists()
    ]

    assert broken == []


def test_the_tree_of_errors_in_its_docstring_is_the_tree_there_is() -> None:
    drawn = re.findall(r"(?:├──|└──) (\w+)|^ *(VoiceError)$", errors.__doc__ or "", re.MULTILINE)

    assert sorted(a or b for a, b in drawn) == sorted(error_names())
