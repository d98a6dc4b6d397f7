"""ModelClient: the seam between a turn and whoever writes its reply.

A client writes into a callback: the awaiting task is the reply, and cancelling it is
how a reply is stopped, at the host, too. There is nothing to close by hand and no
generator that can be left half read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from voice.clock import Deadline
from voice.types import Finish, Hear, Prompt

HealthState = Literal["warm", "starting", "busy", "throttled", "broken", "refused", "cold", "unknown"]
"""`refused`: the host says no to the question, by its key or its path; it may take jobs all the same."""


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of a route's host. `detail` is for an operator."""

    state: HealthState
    detail: str = ""


class ModelClient(Protocol):
    """Asks one model at one host."""

    @property
    def name(self) -> str:
        """The route's name in logs and records."""
        ...

    async def open(self) -> None:
        """Get ready before the first call: connections, child processes. Raises ModelError or SetupError."""
        ...

    async def close(self) -> None:
        """Let everything go. Replies in flight end with a ModelError."""
        ...

    async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
        """Have one reply written; each piece of text goes to `hear` as it comes.

        Text that is no answer (thinking, role-only deltas, keep-alives) is not given to `hear`.
        A limit of its own is `deadline.reply_left_s()`, nothing else. Cancelling the task stops the
        job at the host. With `prompt.so_far` the words that follow it are written. A stream that closes
        without having told its end is ReplyBroken. Raises a ModelError; after text was heard that is
        ReplyBroken.
        """
        ...

    async def health(self) -> Health:
        """How the host is, asked now. Never raises."""
        ...

    def told(self) -> Health | None:
        """What the last job told of the host: it waited long (cold), or it was taken at once (warm).

        None where jobs tell nothing, or nothing was told since `health()` was last asked.
        """
        ...

    async def wake(self) -> bool:
        """Have the host ready for a call that rings: a connection, a worker. Never raises.

        True when something was sent; False where there is nothing to wake. Called once per ring, so it
        must cost next to nothing at a host that is awake.
        """
        ...
