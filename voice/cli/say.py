"""`offhook say`: how a text would be said, and where its chunks would leave."""

from __future__ import annotations

import codecs
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from voice.speech.aloud import Reader, aloud, lexicon_of, locale_of, written
from voice.speech.chunk import MOST_CHARS, Chunker
from voice.speech.output import Markup, document, marked, marked_up
from voice.types import DETECTED, Chunk, Door

DEFAULT_LANGUAGE = "en-US"
READ_BYTES = 4096
ESCAPED = re.compile(r"\\([n\\])")
TOKEN = re.compile(r"\s*\S+|\s+")  # about as a model writes
SPELLS = {Door.VAPI: Markup.SPELL}  # every other door's voices take SSML

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class Voice:
    """In whose language, with whose names, and through which door it is said."""

    language: str
    names: tuple[tuple[str, str], ...]
    door: Door
    markup: Markup = Markup.NONE  # as the agent's file names it for the door

    @property
    def tags(self) -> Markup:
        """The tags for what is spelled, where they are asked for: the file's, else those of the door."""
        return self.markup if self.markup is not Markup.NONE else SPELLS.get(self.door, Markup.SAY_AS)

    def reader(self) -> Reader:
        return Reader(self.language, self.names)

    def read(self, text: str) -> Chunk:
        """A whole text as it is said; of one of which nothing can be, ""."""
        return self.reader().read(Chunk(written(text), text))

    def aloud(self, text: str) -> str:
        """The same as words alone."""
        if self.language == DETECTED:
            return self.read(text).text
        return aloud(text, locale_of(self.language), lexicon_of(self.names))

    def chunker(self) -> Chunker:
        joins, names = self.door is not Door.GATHER, lexicon_of(self.names)
        return Chunker(holds_chars=self.door.holds_chars, joins=joins, names=names)


@app.command()
def say(
    text: Annotated[str | None, typer.Argument(help="What a model wrote; - reads it from stdin.")] = None,
    door: Annotated[Door, typer.Option(help="The door it leaves by.")] = Door.CHAT,
    agent: Annotated[
        str | None, typer.Option(help="Whose language, lexicon and [speech]; without it English and none.")
    ] = None,
    ssml: Annotated[bool, typer.Option("--ssml", help="Print it with tags for what is spelled.")] = False,
    lines: Annotated[
        bool, typer.Option("--lines", help="Read one text a line from stdin, print its spoken form a line.")
    ] = False,
) -> None:
    """Show how a text is cleaned, cut into chunks and said.

    \b
    Examples:
      offhook say "**Rent** is $1,250/mo, due on 3/14 at 2:30 pm."
      offhook say "Ticket INC0012345" --ssml --door vapi
      offhook say - < reply.txt
      offhook say --lines < texts.txt
    With --lines a newline within a text is written \\n, and a backslash \\\\.
    A text that begins with a dash stands behind --.
    """
    if lines and text is not None:
        raise typer.BadParameter("--lines reads texts from stdin: give no other")
    voice = _voice_of(agent, door)
    if lines:
        _say_lines(voice, ssml=ssml)
    elif text == "-":
        _say_stream(voice, ssml=ssml)
    elif text is None:
        raise typer.BadParameter("say what: a text, - or --lines")
    elif ssml:
        typer.echo(_marked_up(text, voice))
    else:
        _show(text, voice)


def _voice_of(name: str | None, door: Door) -> Voice:
    if name is None:
        return Voice(DEFAULT_LANGUAGE, (), door)
    from voice.agents.load import load_agents  # with the settings, a quarter of a second
    from voice.settings import load_settings
    from voice.tools.all import TOOLS

    settings = load_settings()
    agent = load_agents(settings.agents_dir, settings.agent, TOOLS).get(name)
    markup = Markup(agent.speech.at(door, agent.twilio, agent.language))
    return Voice(agent.language, agent.lexicon, door, markup)


def _say_lines(voice: Voice, *, ssml: bool) -> None:
    """A line for each line, whatever it holds; flushed, for whoever waits for each answer."""
    out = sys.stdout.buffer
    said: Callable[[str], str] = (lambda text: _marked_up(text, voice)) if ssml else voice.aloud
    for line in sys.stdin.buffer:
        text = ESCAPED.sub(_unescaped, line.rstrip(b"\r\n").decode(errors="replace"))
        out.write(said(text).encode(errors="replace") + b"\n")
        out.flush()


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else "\\"


def _marked_up(text: str, voice: Voice) -> str:
    heard = written(text)
    return document(marked_up(heard, voice.reader().places(heard), voice.tags))


def _say_stream(voice: Voice, *, ssml: bool) -> None:
    """Each chunk as it would leave: after how long, and after how many characters."""
    began, chunker, reader, count = time.monotonic(), voice.chunker(), voice.reader(), 0
    markup = voice.tags if ssml else voice.markup

    def show(chunk: Chunk) -> None:
        took_ms = (time.monotonic() - began) * 1000
        typer.echo(f"{took_ms:7.0f} ms  {count:5} characters  {marked(reader.read(chunk), markup)}")

    for piece in _pieces():
        for token in TOKEN.findall(piece):
            count += len(token)
            for chunk in chunker.feed(token, time.monotonic()):
                show(chunk)
    for chunk in chunker.end():
        show(chunk)
    if count > MOST_CHARS:
        typer.echo(f"offhook: of one reply {MOST_CHARS:,} characters are said; {count:,} came", err=True)


def _pieces() -> Iterator[str]:
    """What comes on stdin, as it comes."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    while data := os.read(sys.stdin.fileno(), READ_BYTES):
        yield decoder.decode(data)
    yield decoder.decode(b"", final=True)


def _show(text: str, voice: Voice) -> None:
    """Cleaning, classes, chunks and spoken form."""
    from rich.text import Text

    from voice.cli.screen import console, table

    heard = written(text)
    found = voice.reader().places(heard)
    screen = console()
    # Only a terminal has a width: in a file or a pipe a text stays on its line.
    line = partial(screen.print, sep="  ", soft_wrap=not screen.is_terminal)
    line("cleaned", Text(heard or "(nothing of it can be said)"))
    if not heard:
        return
    if found:
        classes = table("written", "class", "spoken")
        for span in found:
            classes.add_row(Text(heard[span.start : span.end]), span.kind, Text(span.spoken.strip() or "–"))
        screen.print(classes)
    chunks = table("chunk", "leaves after", "spoken")
    for number, (after, chunk) in enumerate(_chunks(text, voice), start=1):
        chunks.add_row(str(number), after, Text(chunk.text))
    screen.print(chunks)
    line("spoken ", Text(voice.aloud(text)))
    if voice.markup is not Markup.NONE:
        line("sent   ", Text(marked(voice.read(text), voice.markup)))


def _chunks(text: str, voice: Voice) -> Iterator[tuple[str, Chunk]]:
    """The chunks in their spoken form, each with the number of characters after which it leaves."""
    chunker, reader = voice.chunker(), voice.reader()
    for count, letter in enumerate(text, start=1):
        for chunk in chunker.feed(letter):
            yield f"{count} characters", reader.read(chunk)
    for chunk in chunker.end():
        yield "its end", reader.read(chunk)
