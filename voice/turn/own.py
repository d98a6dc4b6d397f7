"""Lines that no model wrote, as they are said: the agent's own, an operator's, a table's of the settings.

They are heard as replies are: without marks for the eye, in the agent's language, with its lexicon. The lines
of an agent's file are read once, when the product begins. What else is said is read when it is said, and kept
nowhere here: it may hold a caller's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from voice.agents.agent import Agent
from voice.speech.aloud import Reader
from voice.speech.clean import clean
from voice.speech.output import Markup, marked
from voice.types import Chunk, ChunkKind, Door, Reading, moved

Names = tuple[tuple[str, str], ...]

_of_files: dict[tuple[str, str, Names, ChunkKind], Chunk] = {}  # as many as all agents' files have
_FILLED_IN = re.compile(r"(\{\{[^{}\n]{0,200}\}\})")  # by the platform: "Hi {{customer.name}}"


def own_line(
    agent: Agent, text: str, kind: ChunkKind = ChunkKind.REPLY, *, language: str | None = None
) -> Chunk:
    """A line as it is said and as it was written. `language` where it is not the agent's."""
    key = (text, language or agent.language, agent.lexicon, kind)
    return _of_files.get(key) or _read(*key)


def markup_at(agent: Agent, door: Door, language: str | None = None) -> Markup:
    """How the voice that speaks for an agent at a door is told to spell."""
    return Markup(agent.speech.at(door, agent.twilio, language or agent.language))


def said_at(agent: Agent, door: Door, text: str) -> str:
    """A line of its own as the voice at a door takes it."""
    return marked(own_line(agent, text), markup_at(agent, door))


def read_own_lines(agent: Agent) -> None:
    """Read the lines of an agent's file, before a caller waits for one."""
    for text, kind in _lines_of(agent):
        key = (text, agent.language, agent.lexicon, kind)
        _of_files[key] = _read(*key)


def _lines_of(agent: Agent) -> Iterator[tuple[str, ChunkKind]]:
    """Each line with the kinds that it is said as."""
    says = [*(one.say for one in agent.transfer), *(one.say for one in agent.handoff)]
    alone = [agent.greeting, agent.goodbye, agent.busy, agent.nobody_answered, agent.unclear]
    alone += [*agent.silence_lines, *agent.fallbacks, *agent.fillers[:1], *says]
    alone += [agent.voicemail or "", agent.consent or ""]
    yield from ((text, ChunkKind.REPLY) for text in alone if text)
    for text in (*agent.fallbacks, agent.goodbye, agent.breaks_off):
        yield text, ChunkKind.FALLBACK
    for text in (*agent.fillers, *(line for some in agent.fillers_for.values() for line in some)):
        yield text, ChunkKind.FILLER


def _read(text: str, language: str, names: Names, kind: ChunkKind) -> Chunk:
    reader = Reader(language, names)
    sent = "" if kind is ChunkKind.FILLER else text  # no part of the reply
    if "{{" not in text:
        return reader.read(Chunk(clean(text) or " ".join(text.split()), sent, kind))
    said = ""
    readings: list[Reading] = []
    for place, part in enumerate(_FILLED_IN.split(text)):
        read = Chunk(part, part) if place % 2 else reader.read(Chunk(part, part))
        readings += moved(read.readings, len(said))
        said += read.text
    return Chunk(said, sent, kind, tuple(readings))
