"""A server of a command's own, which can be stopped and started again behind the same socket.

The socket listens all the while, as a proxy in front of a server does: what is asked while the server is
away waits for it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Self, Unpack

from handlers.app import BrainOptions
from voice.brain import Brain
from voice.cli.server import Running, running
from voice.settings import Settings


class OwnServer:
    """Serves on `listener` while the context is open. `opened` is shown each brain before it is asked.

    `brain_options` are those of Brain.open.
    """

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        opened: Callable[[Brain], None],
        **brain_options: Unpack[BrainOptions],
    ) -> None:
        self._settings, self._listener, self._opened = settings, listener, opened
        self._options = brain_options
        self._stack = AsyncExitStack()
        self.now: Running

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            self._listener.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        with self._listener:
            await self._stack.aclose()

    async def restart(self) -> None:
        """Stop the server as a new version of it would; then start it again."""
        await self._stack.aclose()
        await self._start()

    async def _start(self) -> None:
        serving = running(self._settings, self._listener.dup(), **self._options)
        self.now = await self._stack.enter_async_context(serving)
        self._opened(self.now.brain)
