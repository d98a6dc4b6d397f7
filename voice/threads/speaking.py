"""How long speech takes, for platforms that do not tell how much of it was heard.

An estimate: text-to-speech of a telephone voice says about fifteen characters a second, whatever the
words. A caller who begins to speak earlier than the reply can have ended has not heard its end.
"""

from __future__ import annotations

from collections.abc import Sequence

from voice.types import ChunkKind, Turn, Utterance

CHARS_PER_S = 15.0  # 150 to 170 words a minute, as voices are usually set
BEGINS_AFTER_S = 0.4  # from a chunk's leaving to its first sound: synthesis and the telephone network
ENDPOINTING_S = 0.8  # of silence, until a platform takes an utterance for finished
SLACK_S = 1.0  # a reply that would have ended within this time counts as heard: voices differ


def spoken_s(chars: int) -> float:
    """How long it takes until so much that has just left has surely been heard to its end."""
    return BEGINS_AFTER_S + chars / CHARS_PER_S + SLACK_S


def spoken_over(turns: Sequence[Turn], heard: Utterance, asked_at: float | None) -> Turn | None:
    """The newest turn, cut where an utterance was said over its reply; None: all of it was heard.

    `asked_at` is when its own utterance reached us; None: not known.
    """
    newest = turns[-1] if turns else None
    if newest is None or asked_at is None:
        return None
    part = heard_until(newest, began_to_speak_at(heard.heard_at, heard.text) - asked_at)
    if part is None:
        return None
    newest.heard = part
    return newest


def began_to_speak_at(heard_at: float, said: str) -> float:
    """When the caller began an utterance that reached us at `heard_at`."""
    return heard_at - ENDPOINTING_S - len(said) / CHARS_PER_S


def heard_until(turn: Turn, after_s: float) -> str | None:
    """What of a reply was heard `after_s` after its utterance; None when that is all of it.

    Words that were begun count as heard. Fillers take their time and are no part of the reply.
    """
    if not turn.timing.left or after_s <= turn.timing.left[0].at_ms / 1000:
        return None  # nobody speaks over what has not been said: they began before, and heard it after
    ends_s, chars = 0.0, 0.0
    for left in turn.timing.left:
        begins_s = max(ends_s, left.at_ms / 1000 + BEGINS_AFTER_S)
        ends_s = begins_s + left.chars / CHARS_PER_S
        if left.kind is not ChunkKind.FILLER:
            said = (after_s - begins_s) * CHARS_PER_S
            chars += min(max(said, 0.0), left.chars + 1)  # and the space behind it
    if not turn.timing.left or after_s >= ends_s - SLACK_S:
        return None
    part = _whole_words(turn.spoken, int(chars))
    return part if part != turn.spoken else None


def _whole_words(text: str, chars: int) -> str:
    if chars <= 0:
        return ""
    end = text.find(" ", chars - 1)  # a space that was reached begins no further word
    return text if end < 0 else text[:end]
