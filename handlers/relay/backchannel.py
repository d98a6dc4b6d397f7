"""What callers say to let the agent know that they listen: no utterance, and nothing to answer."""

from __future__ import annotations

from voice.types import words

# As recognisers write them. What is an answer as often ("no", "right", "good") is not among them.
SOUNDS = frozenset(
    {"mm", "mhm", "mmm", "hm", "hmm", "uh", "huh", "ah", "oh", "aha", "yeah", "yep", "ok", "okay"}
)
MOST_WORDS = 3  # "yeah, yeah, okay"


def is_backchannel(said: str, over: str) -> bool:
    """Whether these words are none that an agent must answer. `over` is what was being said to the caller.

    A question may be answered while its last word is spoken: then "yeah" is an answer.
    """
    spoken = words(said)
    is_asked = over.rstrip("\"'”’) ").endswith("?")
    return not is_asked and 0 < len(spoken) <= MOST_WORDS and SOUNDS.issuperset(spoken)
