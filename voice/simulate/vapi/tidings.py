"""What Vapi tells the webhook in the middle of a call: who speaks, what was said, that no words come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

from voice.simulate.vapi.posts import Posts
from voice.simulate.vapi.stream import Voice
from voice.simulate.vapi.talk import Talk


class Tidings:
    """The messages that an assistant sends by default, in Vapi's order. Off, nothing is told.

    `hangs_after_s`: so long without a word to speak is told as `hang`.
    """

    def __init__(self, posts: Posts, talk: Talk, *, on: bool, hangs_after_s: float) -> None:
        self._posts, self._talk, self._on, self._hangs_after_s = posts, talk, on, hangs_after_s
        self._turn = 0
        self._untold: list[tuple[str, dict[str, Any]]] = []  # what is told when the caller has spoken

    async def rings(self) -> None:
        """The call is in the line, and the telephone rings."""
        if self._on:
            await self._posts.tell("status-update", status="queued")
            await self._posts.tell("status-update", status="ringing")

    async def caller_speaks(self, text: str) -> None:
        """The caller says one utterance; it interrupts what the agent was saying."""
        if not self._on:
            return
        await self._speech("user", "started")
        for kind, fields in self._untold:
            await self._posts.tell(kind, **fields)
        self._untold = []
        first, *_ = text.split() or [""]
        await self._transcript("user", first, "partial")
        await self._speech("user", "stopped")
        await self._said("user", text)

    async def agent_spoke(self, text: str) -> None:
        """The agent has said its words to the end."""
        if self._on and text:
            await self._speech("assistant", "started")
            await self._speech("assistant", "stopped")
            await self._said("assistant", text)

    def interrupted(self) -> None:
        """The caller speaks over the agent."""
        self._untold.append(("user-interrupted", {"turnId": str(uuid4())}))

    @asynccontextmanager
    async def watching(self, voice: Voice) -> AsyncIterator[None]:
        """Tells `hang` when the voice has had nothing to speak for too long."""
        if not self._on:
            yield
            return
        hanging = asyncio.create_task(self._hang(voice))
        try:
            yield
        finally:
            hanging.cancel()
            with suppress(asyncio.CancelledError):
                await hanging

    async def _hang(self, voice: Voice) -> None:
        await asyncio.sleep(self._hangs_after_s)
        if not voice.spoken:
            await self._posts.tell("hang")

    async def _said(self, role: str, text: str) -> None:
        await self._transcript(role, text, "final")
        told = self._talk.messages(text if role == "user" else None)
        await self._posts.tell("conversation-update", messagesOpenAIFormatted=told)
        self._turn += role == "assistant"

    async def _speech(self, role: str, status: str) -> None:
        await self._posts.tell("speech-update", status=status, role=role, turn=self._turn)

    async def _transcript(self, role: str, text: str, kind: str) -> None:
        await self._posts.tell("transcript", role=role, transcriptType=kind, transcript=text)
