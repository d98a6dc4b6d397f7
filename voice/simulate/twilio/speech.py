"""How a caller's words come to Twilio: piece by piece, and each takes its time."""

from __future__ import annotations

from collections.abc import Sequence

from voice.simulate.aloud import Aloud

PARTIALS = 3  # of one utterance, the last one whole


def growing(words: str) -> Sequence[str]:
    """What has been recognised while the caller speaks: ever more of the words, at last all of them."""
    parts = words.split()
    ends = sorted({-(-len(parts) * (time + 1) // PARTIALS) for time in range(PARTIALS)})
    return [" ".join(parts[:end]) for end in ends if end]


def part_s(words: str, aloud: Aloud) -> float:
    """How long each part of an utterance takes; no time where the agent's voice takes none."""
    return len(words) / PARTIALS / aloud.chars_per_s if aloud.chars_per_s else 0.0
