"""What the processes of one server ask one another about a call, over the second of their Unix sockets.

    let go      leave it to whoever asks; `keeps`: it is busy here, or has its relay socket here
    let go now  the same, whatever it is doing: whoever keeps it cannot be reached with its requests
    stop short  end the sentence on its relay socket and close that, because the socket's other end leaves

A question and its answer are a line each, on a connection of their own.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from handlers.siblings import Siblings
from voice.types import CallId

log = logging.getLogger(__name__)

Question = Literal["let go", "let go now", "stop short"]
Answer = Callable[[Question, CallId], Awaitable[bool]]
"""Does what is asked. False: it does not, it keeps the call."""

ASK_S = 0.5  # for one sibling to let go: it commits the call first, and a caller waits
STOP_S = 8.0  # for a sentence to end on a relay socket; more than relay/leaving.py gives it
MAX_LINE = 2000  # bytes of a question
QUESTIONS: tuple[Question, ...] = ("let go", "let go now", "stop short")


async def gather(siblings: Siblings, call_id: CallId, *, now: bool = False) -> Path | None:
    """Have all others let go of a call. Where the one that keeps it takes requests; None: nobody does.

    Nobody is asked as long as no place has changed hands: then every call is where it belongs.
    """
    if siblings.folder is None or not siblings.may_stray():
        return None
    others = [one for one in siblings.folder.glob("*.asked") if one != siblings.asked]
    question: Question = "let go now" if now else "let go"
    answers = await asyncio.gather(*(ask(one, question, call_id) for one in others))
    keepers = [one for one, is_done in zip(others, answers, strict=True) if not is_done]
    return keepers[0].with_suffix(".http") if keepers else None


async def ask(sibling: Path, question: Question, call_id: CallId) -> bool:
    """Whether a sibling does it; True of one that does not answer: it is dead, and holds nothing."""
    try:
        async with asyncio.timeout(STOP_S if question == "stop short" else ASK_S):
            reader, writer = await asyncio.open_unix_connection(sibling)
            try:
                writer.write(json.dumps([question, call_id]).encode() + b"\n")
                return await reader.readline() != b"keeps\n"
            finally:
                writer.close()
    except (OSError, TimeoutError):
        log.debug("sibling.silent", extra={"sibling": sibling.stem})
        return True


def asked_behind(door: Path) -> Path:
    """Where the process that now takes requests at `door` is asked."""
    return door.resolve().with_suffix(".asked")


@asynccontextmanager
async def answering(siblings: Siblings, answer: Answer) -> AsyncIterator[None]:
    """Be asked while the context is open. Alone, nobody asks."""
    if siblings.folder is None:
        yield
        return

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            question, call_id = json.loads(await reader.readline())
            is_done = await answer(QUESTIONS[QUESTIONS.index(question)], CallId(str(call_id)))
            writer.write(b"done\n" if is_done else b"keeps\n")
            await writer.drain()
        except (OSError, ValueError):
            log.warning("sibling.not_understood")
        finally:
            writer.close()

    server = await asyncio.start_unix_server(take, siblings.asked, limit=MAX_LINE)
    try:
        yield
    finally:
        server.close()
        siblings.asked.unlink(missing_ok=True)
