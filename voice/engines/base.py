"""Engine: what runs the weights, as everybody else sees it.

An engine writes into a callback instead of yielding, so that one wake-up of the event
loop can carry many tokens, and so that nobody's generator is left half read: to stop
the writing, cancel the task that awaits `write`.
"""

from __future__ import annotations

from typing import Protocol

from voice.types import Finish, Hear, Prompt


class Engine(Protocol):
    """Runs one model, or several, for many calls at once."""

    @property
    def model(self) -> str:
        """The name of the model that answers when none is named."""
        ...

    @property
    def models(self) -> tuple[str, ...]:
        """The names of all models and adapters that may be asked for, `model` first."""
        ...

    async def start(self) -> None:
        """Load and warm the model: when this returns, the first job is as quick as the tenth.

        Raises EngineDied when the model cannot be loaded.
        """
        ...

    async def stop(self) -> None:
        """Let go of the model. Calls in flight end with EngineDied."""
        ...

    def ready(self) -> bool:
        """Whether a job would be taken now."""
        ...

    async def write(self, prompt: Prompt, hear: Hear, model: str | None = None) -> Finish:
        """Write one reply, giving each piece of text to `hear` as it comes. `model`: one of `models`.

        Cancelling the awaiting task stops the generation. Raises BadJob when the prompt cannot be
        used (longer than the context even without its oldest turns), EngineDied when the engine is gone.
        """
        ...
