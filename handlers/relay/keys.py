"""Keys that a caller presses: collected into one utterance, which a finish key or a pause ends."""

from __future__ import annotations

from handlers.wire.twilio import KEYS
from voice.clock import now

FINISH = "#"
PAUSE_S = 2.0  # between two keys of one number; people look at what they type
MAX_KEYS = 40  # longer than any number that is typed


class Keys:
    """The keys pressed since the last utterance. `due_at` is when a pause has ended them; None: none.

    `digits` is how many make a number, where that is known.
    """

    def __init__(self, digits: int | None = None) -> None:
        self._pressed, self._most = "", digits or MAX_KEYS
        self.due_at: float | None = None

    def press(self, key: str) -> bool:
        """Take a key; whether the utterance is complete."""
        if key == FINISH and self._pressed:
            return True
        self._pressed += key
        self.due_at = now() + PAUSE_S
        return len(self._pressed) >= self._most

    def take(self, language: str) -> str:
        """What was pressed as it is said: "42" → "four two"; in other languages the digits."""
        pressed, self._pressed, self.due_at = self._pressed, "", None
        is_english = language.startswith("en")
        return " ".join(KEYS.get(key, key) if is_english else key for key in pressed)
