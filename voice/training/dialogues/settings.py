"""Whom the agent speaks for: the system prompts that stand before the dialogues.

Mostly the shipped persona, word for word; sometimes with a platform's extra lines,
shortened, for another office, or missing altogether.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from voice.training.dialogues.grammar import phrases, wordings

PERSONA_FILE = Path(__file__).parents[2] / "agents" / "personas" / "jamie.toml"

OFFICES = wordings(phrases("values")["offices"])
AGENTS = ("Dana", "Alex", "Sam", "Robin", "Taylor", "Casey", "Morgan", "Riley", "Kim", "Max")

SHORT = (
    "You are {me}. You answer the telephone for {office}, a property-management office. "
    "Speak in one to three short sentences.",
    "You are {me}, the phone assistant of {office}. Help tenants with repairs, rent and viewings. Be brief.",
    "You are {me} from {office}. Answer the caller in short, spoken sentences.",
    "You are a helpful property management assistant for {office}. Your name is {me}.",
    "You are {me}, a property-management voice agent at {office}. For a repair ask for the unit and a time.",
    "You are a voice assistant. Keep replies short.",
    "You are a helpful assistant.",
)
EXTRA = wordings(phrases("values")["extra_lines"])
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Setting:
    """One office's system prompt (None: there is none) and its names."""

    system: str | None
    me: str
    office: str


@cache
def persona() -> str:
    """The shipped persona's prompt, as the product sends it."""
    return str(tomllib.loads(PERSONA_FILE.read_text(encoding="utf-8"))["persona"]).strip()


@cache
def greeting() -> str:
    """What the shipped persona says when it picks up."""
    return str(tomllib.loads(PERSONA_FILE.read_text(encoding="utf-8"))["greeting"]).strip()


def setting(rng: Random) -> Setting:
    """A setting at random; about three in five are the shipped persona."""
    me, office = "Jamie", "Maple Court"
    chance = rng.random()
    if chance < 0.42:
        return Setting(persona(), me, office)
    if chance < 0.58:
        lines = rng.sample(EXTRA, rng.randint(1, 2))
        return Setting("\n".join([persona(), *lines]).replace("{day}", rng.choice(DAYS)), me, office)
    if chance < 0.7:
        return Setting(None, me, office)
    if chance < 0.76:
        other_me, other_office = rng.choice(AGENTS), rng.choice(OFFICES)
        return Setting(persona().replace(me, other_me).replace(office, other_office), other_me, other_office)
    if rng.random() < 0.5:
        me, office = rng.choice(AGENTS), rng.choice(OFFICES)
    text = rng.choice(SHORT)
    if "{office}" not in text:
        me, office = "Jamie", "Maple Court"
    return Setting(text.replace("{me}", me).replace("{office}", office), me, office)


def greeting_for(rng: Random, where: Setting) -> str:
    """How the call is picked up at this office."""
    usual = greeting().replace("Jamie", where.me).replace("Maple Court", where.office)
    others = (
        f"Hello, this is {where.me} at {where.office}. How can I help you?",
        f"{where.office}, {where.me} speaking. What can I do for you?",
        "Hello, how can I help you today?",
    )
    return usual if rng.random() < 0.75 else rng.choice(others)
