"""A thread with an event loop of its own, in which work is done for whoever asks from another loop.

RunPod's SDK runs its fitness checks in one event loop and the jobs in another, and its images
are restored from a snapshot taken after loading. So the engine is loaded before the SDK starts,
in a loop that lives as long as the process, and jobs are done there: the SDK's loops only ask for
their chunks, and a token costs no way between two threads.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Final, TypeVar

from voice.errors import EngineDied

T = TypeVar("T")

NewLoop = Callable[[], asyncio.AbstractEventLoop]


class _End:
    """Stands behind the last chunk."""


END: Final = _End()


class OwnLoop:
    """One such thread. It is launched once."""

    def __init__(self, new_loop: NewLoop = asyncio.new_event_loop) -> None:
        self._over = asyncio.Event()
        self._loop = new_loop()
        self._thread = threading.Thread(target=self._live, name="engine", daemon=True)

    def launch(self, first: Coroutine[Any, Any, None]) -> None:
        """Begin, and do `first`; returns when that is done. Blocks, so that it works where no loop runs.

        Raises what `first` raises; the thread is gone then.
        """
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(first, self._loop).result()
        except BaseException:
            self._end()
            raise

    def shut(self, last: Coroutine[Any, Any, None]) -> None:
        """Do `last`, then end; returns when the thread is gone. What is still being done is cancelled."""
        try:
            asyncio.run_coroutine_threadsafe(last, self._loop).result()
        finally:
            self._end()

    async def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Have this done over there. Cancelling the caller cancels it. Raises EngineDied after `shut`."""
        self._check(work)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def each(self, chunks: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
        """What `chunks` gives over there, the next one made when this one has been taken here.

        It is closed with this generator, and with the task that reads this one, for RunPod's SDK leaves
        the generator of a stopped job half read. Raises what it raises, and EngineDied after `shut`.
        """
        here, inbox, wanted = asyncio.get_running_loop(), asyncio.Queue[T | _End](), asyncio.Event()

        async def feed() -> None:
            async with aclosing(chunks):
                async for chunk in chunks:
                    here.call_soon_threadsafe(inbox.put_nowait, chunk)
                    await wanted.wait()
                    wanted.clear()

        def ended(_: object) -> None:
            if not here.is_closed():
                here.call_soon_threadsafe(inbox.put_nowait, END)

        work = feed()
        self._check(work)
        feeding = asyncio.run_coroutine_threadsafe(work, self._loop)
        feeding.add_done_callback(ended)

        def reader_is_gone(_: object) -> None:
            feeding.cancel()

        reader = asyncio.current_task()
        if reader:
            reader.add_done_callback(reader_is_gone)
        try:
            while not isinstance(chunk := await inbox.get(), _End):
                yield chunk
                if self._loop.is_running():  # else the end has come to the inbox, or will
                    self._loop.call_soon_threadsafe(wanted.set)
            if feeding.cancelled():
                raise EngineDied("the engine's loop has ended")
            feeding.result()
        finally:
            feeding.cancel()
            if reader:
                reader.remove_done_callback(reader_is_gone)

    def _check(self, work: Coroutine[Any, Any, Any]) -> None:
        if not self._loop.is_running():
            work.close()
            raise EngineDied("the engine's loop is not running")

    def _live(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:  # cancels what is left at its end
            runner.run(self._waiting())

    async def _waiting(self) -> None:
        await self._over.wait()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
