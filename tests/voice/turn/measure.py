# ruff: noqa: T201 (a measurement prints its figures)
"""What the deadline machinery costs: `python -m tests.voice.turn.measure`.

The same turns twice, with a healthy scripted model: once as the product takes them (ladder, hedge,
breaker, watchdog, record), once with one task that writes and one that says, and nothing else. CPU per
turn of each, interleaved; the difference is the machinery.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import time
from collections import deque
from pathlib import Path

from tests.builders import a_route
from voice.brain import Brain
from voice.call import Call
from voice.clock import Deadline, now
from voice.models.scripted import ScriptedClient
from voice.settings import load_settings
from voice.speech.chunk import Chunker
from voice.store.memory import MemoryStore
from voice.turn.prompt import build_prompt
from voice.turn.take import take_turn
from voice.types import CallId, Chunk, Door, Ending, Say, Turn, Utterance

REPLY = (
    "I'm sorry to hear that, I'll get it looked after right away. Could you tell me which unit you are in, "
    "and when somebody may come in to have a look at it?"
)
TURNS, ROUNDS = 1000, 7


async def bare_turn(call: Call, turn: Turn, heard: Utterance, deadline: Deadline, say: Say) -> None:
    """A reply said as it is written, by the first route, whatever happens."""
    ready: deque[Chunk] = deque()
    news, chunker = asyncio.Event(), Chunker()

    def hear(piece: str) -> None:
        if chunks := chunker.feed(piece):
            ready.extend(chunks)
            news.set()

    async def write() -> None:
        await call.routes[0].client.write(build_prompt(call, heard), deadline, hear)
        ready.extend(chunker.end())
        news.set()

    task = call.spawn(write())
    while not task.done() or ready:
        while ready:
            chunk = ready.popleft()
            await say(chunk)
            turn.add(chunk, deadline.since_ms(now()))
        if not task.done():
            news.clear()
            await news.wait()
    turn.ending = Ending.ANSWERED


async def measure() -> tuple[list[float], list[float]]:
    """CPU milliseconds per turn, round by round: with the machinery, and without."""
    routes = [a_route(ScriptedClient(name, REPLY), usually_s=(0.2,)) for name in ("one", "two")]
    whole, bare = [], []
    async with Brain.open(load_settings(Path("/nonexistent")), clients=routes, store=MemoryStore()) as brain:
        for number in range(ROUNDS + 1):
            for take, found in ((take_turn, whole), (bare_turn, bare)):
                call = await brain.calls.pick_up(CallId(f"c{number}"), Door.CHAT)
                began_s = time.process_time()
                for _ in range(TURNS):
                    heard = Utterance("My sink leaks.", now())
                    said: list[Chunk] = []

                    async def say(chunk: Chunk, said: list[Chunk] = said) -> None:
                        said.append(chunk)

                    turn = Turn(0, heard.text, "key")
                    await take(call, turn, heard, call.agent.budget.deadline(heard.heard_at), say)
                found.append((time.process_time() - began_s) / TURNS * 1000)
                await brain.calls.hang_up(call.call_id, "done")
    return whole[1:], bare[1:]  # the first round warms up


def main() -> None:
    """Print the medians."""
    logging.disable(logging.CRITICAL)
    whole, bare = asyncio.run(measure())
    cost = statistics.median(one - other for one, other in zip(whole, bare, strict=True))
    print(f"CPU per turn: {statistics.median(whole):.3f} ms, without {statistics.median(bare):.3f} ms")
    print(f"the machinery: {cost:.3f} ms")


if __name__ == "__main__":
    main()
