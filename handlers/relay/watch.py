"""What is due next on a relay call, and when."""

from __future__ import annotations

from typing import Literal

from handlers.relay.keys import Keys
from handlers.relay.parting import Parting
from handlers.relay.patience import FOR_EVER, Patience, Silence
from handlers.relay.teller import Teller
from handlers.relay.voice import Voice

Due = Literal["part", "keys", "hold"] | Silence


class Watch:
    """Looks at everything of one call that takes its time. `parting` is what follows its last word."""

    def __init__(self, voice: Voice, teller: Teller, keys: Keys, patience: Patience) -> None:
        self._voice, self._teller, self._keys, self._patience = voice, teller, keys, patience
        self.parting: Parting | None = None

    def next(self) -> tuple[float, Due]:
        """What comes first, and when, as it looks now."""
        if self.parting is not None:
            return self._voice.quiet_at, "part"
        if self._keys.due_at is not None:
            return self._keys.due_at, "keys"
        quiet_at = FOR_EVER if self._teller.is_telling else self._voice.quiet_at
        due = self._patience.next(quiet_at, self._voice.caller_quiet_at)
        hold_at = self._voice.hold_at if self._teller.is_telling else None
        return (hold_at, "hold") if hold_at is not None and hold_at < due[0] else due

    @property
    def is_parting_for_good(self) -> bool:
        """Whether the call is over whatever is said now."""
        return self.parting is not None and not self.parting.can_be_undone

    def undo(self) -> None:
        """The caller goes on talking: the call does not end, where that can be."""
        if not self.is_parting_for_good:
            self.parting = None
