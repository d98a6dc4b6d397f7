"""A message that is sent again has its effect once, and gets the same answer.

Platforms send a webhook again when our answer did not reach them: while the first is still being
worked on, after a restart, to another process. So whoever takes a message claims it in the store,
for all processes; who comes later waits for the answer of who came first.

The store may be away, or its owner may die between claim and answer. Then a message is taken twice
rather than lost, except where the caller of this says what to answer instead (a tool must not run
twice).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from voice.clock import now
from voice.errors import StoreError
from voice.store.base import Store
from voice.types import Json

log = logging.getLogger(__name__)

ASK_S = 0.3  # for one question to the store: a caller may be waiting, and a message is better taken twice
PATIENCE_S = 3.0  # for another process's answer: longer than any effect of a webhook but a tool's
LOOK_S = 0.1  # between two looks for it
MAX_ANSWERS = 1000  # kept here, so that a retry costs no look-up, and none is needed while the store is away

Act = Callable[[], Awaitable[Json]]
Told = TypeVar("Told")


class Once:
    """Takes each message once. An answer is never None, and is stored: what is a secret in it is left out."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: dict[str, asyncio.Future[Json]] = {}
        self._answers: dict[str, Json] = {}  # oldest first

    async def everywhere(
        self,
        key: str,
        act: Act,
        *,
        lost: Json = None,
        patience_s: float = PATIENCE_S,
        to_keep: Callable[[Json], Json] = lambda answer: answer,
    ) -> Json:
        """What `act` answers to the message of this key, or has answered in whatever process.

        `lost` is the answer when somebody else took the message and left none; without it, `act` is done
        again. What `act` raises is raised to all who wait for it. `to_keep` makes of the answer what is
        stored: other processes, and this one in its next life, answer with that.
        """
        return await self.here(key, lambda: self._first_of_all(key, act, lost, patience_s, to_keep))

    async def here(self, key: str, act: Act) -> Json:
        """The same for this process only, where something else tells a repeat in all the others."""
        while key in self._running:
            running = self._running[key]
            await asyncio.wait([running])
            if not running.cancelled():
                return running.result()
        # Nobody has taken it, or whoever did was stopped in the middle: it is done now.
        if key in self._answers:
            return self._answers[key]
        done: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._running[key] = done
        try:
            answer = await act()
        except asyncio.CancelledError:
            done.cancel()
            raise
        except Exception as exc:  # raised again: only told to those who wait, too
            done.set_exception(exc)
            done.exception()  # read here, or asyncio would report it when nobody waits
            raise
        finally:
            if self._running.get(key) is done:
                del self._running[key]
        done.set_result(answer)
        self.remember(key, answer)
        return answer

    async def _first_of_all(
        self, key: str, act: Act, lost: Json, patience_s: float, to_keep: Callable[[Json], Json]
    ) -> Json:
        if not await self._asked(self._store.claim(key), otherwise=True):
            told = await self._told_elsewhere(key, patience_s)
            told = lost if told is None else told
            if told is not None:
                return told
        answer = await act()
        self._store.keep_answer(key, to_keep(answer))
        return answer

    async def _told_elsewhere(self, key: str, patience_s: float) -> Json:
        """What another process, or this one in an earlier life, has answered; None when it does not tell."""
        ends_at = now() + patience_s
        while True:
            answer = await self._asked(self._store.answer(key), otherwise=None)
            if answer is not None or now() >= ends_at:
                return answer
            await asyncio.sleep(LOOK_S)

    async def _asked(self, question: Awaitable[Told], *, otherwise: Told) -> Told:
        """What the store says, or `otherwise` when it does not say it in time."""
        try:
            async with asyncio.timeout(ASK_S):
                return await question
        except (StoreError, TimeoutError) as exc:
            log.warning("once.not_asked", extra={"error": type(exc).__name__, "to_do": StoreError.to_do})
            return otherwise

    def knows(self, key: str) -> bool:
        """Whether this process has taken the message of this key, not long ago."""
        return key in self._running or key in self._answers

    def remember(self, key: str, answer: Json) -> None:
        """Keep an answer for this process, as if it had been given to the message of this key."""
        self._answers[key] = answer
        if len(self._answers) > MAX_ANSWERS:
            del self._answers[next(iter(self._answers))]


def once_key(*parts: str | bytes) -> str:
    """The key of a message that is told from others by these parts. None of them can be read in it."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part if isinstance(part, bytes) else part.encode(errors="surrogatepass")
        digest.update(len(raw).to_bytes(8, "big"))  # or "ab", "c" would be the same as "a", "bc"
        digest.update(raw)
    return digest.hexdigest()
