"""Whether the caller takes their leave: by their own words, or in answer to what the agent has asked."""

from __future__ import annotations

import re

# Words that people take their leave with, and those that stand around them.
_LEAVE = re.compile(
    r"(?:good ?bye|bye|good ?night|talk (?:to you )?(?:later|soon)|take care|nothing else"
    r"|see (?:you|ya)(?: (?:later|soon|then|tomorrow|\w+day))?|cheers"
    r"|(?:i(?:'ve|’ve| have)? )?(?:really )?(?:gotta|(?:got|have|need) to|must|should) (?:go|run)"
    r"|that(?:'s| is|’s) it(?=\W+thank)"
    r"|that(?:'s| is|’s|'ll be| will be) (?:all|everything)(?: i (?:need(?:ed)?|wanted|have))?"
    r"|have a (?:good|nice|great|lovely) (?:day|one|evening|night|weekend|morning|afternoon|time))\b\W*",
    re.IGNORECASE,
)
_AROUND = re.compile(
    r"(?:okay|ok|alright|all right|great|perfect|fine|good|cool|lovely|well|and|so|just|but|yes|yeah|no|nope"
    r"|oh|um|uh|then|for|now|today|thank(?:s| you)?|very|much|a lot|again|all|your|the|help|you|too|jamie"
    r"|sir|ma'am|i|appreciate|really|was|is|have been|you've been|helpful|that)\b\W*",
    re.IGNORECASE,
)
_ANYTHING_ELSE = re.compile(
    r"\b(?:any ?thing|something|what) (?:else|more|other)\b[^.!?]*\?\W*$"
    r"|\b(?:help|do for) you (?:with )?(?:any ?thing )?(?:else|further)\b[^.!?]*\?\W*$",
    re.IGNORECASE,
)
_SHALL_WE_END = re.compile(
    r"\b(?:is|was|would|will) that (?:be )?(?:all|everything|it)\b[^.!?]*\?\W*$"
    r"|\b(?:end|finish|close) (?:the|this|our) call\b[^.!?]*\?\W*$|\bhang up\b[^.!?]*\?\W*$"
    r"|\bleave it (?:there|at that)\b[^.!?]*\?\W*$",
    re.IGNORECASE,
)
_PARTED = re.compile(
    r"\b(?:good ?bye|bye|good ?night|take care|have a (?:good|nice|great|lovely) \w+)\W*$", re.IGNORECASE
)
# What people say around a yes or a no. Anything beside it ("no, wait, the sink") is a new matter.
_POLITE = (
    r"(?:thanks?|thank you|thank|you|so much|very much|a lot|for (?:now|today|your help|everything)|jamie"
    r"|okay|ok|great|perfect|good|fine|then|now|sir|ma'am|um|uh|oh|well|alright|all right)"
)
_NO = (
    r"(?:no|nope|nah|no that'?s|nothing|none|not (?:really|right now|now|today|for now|at the moment)"
    r"|i(?:'m| am) (?:good|fine|done|all set|okay)|we(?:'re| are) (?:good|done|all set)|all (?:good|set|done)"
    r"|that(?:'s| is|'ll be| will be) (?:it|all|everything|fine|great|good|perfect)|thanks?|thank you)"
)
_YES = (
    r"(?:yes|yeah|yep|yup|sure|right|correct|please(?: do)?|go ahead|you can|i think so|it is|it was"
    r"|that(?:'s| is|'ll be| will be) (?:it|all|everything|right|correct))"
)
# Each group is atomic: "thank you thank you …" can be read in many ways, and one is enough.
_DECLINES = re.compile(rf"(?=.*\b{_NO}\b)\W*(?>(?:{_NO}|{_POLITE})(?:\W+|$))++", re.IGNORECASE)
_AGREES = re.compile(rf"(?=.*\b{_YES}\b)\W*(?>(?:{_YES}|{_POLITE})(?:\W+|$))++", re.IGNORECASE)
# An order to hang up, with what people put before it and behind it.
_BEFORE_ORDER = (
    r"(?:(?:you|we) (?:can|may|should)|(?:can|could|would|will) you|i (?:want|need|would like) you to"
    r"|i'd like you to|i'(?:ll|m going to)|i will|i want to|let'?s|just|please|go ahead and|feel free to"
    rf"|no|yes|yeah|so|and|{_POLITE})"
)
_HANG_UP = (
    r"(?:hang up(?: the (?:phone|call)| on me)?"
    r"|(?:end|finish|close|drop|disconnect) (?:the|this|our) (?:phone )?call)"
)
_BEHIND_ORDER = rf"(?:please|right|already|if you (?:like|want)|it's (?:fine|okay|ok)|bye|goodbye|{_POLITE})"
_ORDER = re.compile(rf"\W*+(?>{_BEFORE_ORDER}\W+)*+{_HANG_UP}(?>\W+{_BEHIND_ORDER}\b)*+\W*+", re.IGNORECASE)
_TAKES_IT_BACK = re.compile(
    r"\W*(?:no|wait|hold on|hang on|actually|but|do not|don'?t|never|not)\b", re.IGNORECASE
)
_FORBIDS = re.compile(r"(?:.*\b)?(?:do not|don'?t|never|not)(?: please)?\W*", re.IGNORECASE)
FEW_WORDS = 2  # behind a goodbye nobody raises a new matter in so few
MAX_ANSWER_CHARS = 100  # of a yes or a no with all its thanks


def is_goodbye(text: str) -> bool:
    """Whether the caller is taking their leave and says nothing else, in English.

    "My kitchen is flooding, that's all." is no goodbye, whatever it ends with.
    """
    place, leaves = len(text) - len(text.lstrip(" \t\n.,!…-")), False
    while place < len(text):
        leave = _LEAVE.match(text, place)
        found = leave or _AROUND.match(text, place)
        if found is None:
            return False
        place, leaves = found.end(), leaves or leave is not None
    return leaves and "?" not in text


def parts(reply: str) -> bool:
    """Whether a reply takes leave and asks nothing: "You're welcome. Goodbye!", in English."""
    return "?" not in reply and _PARTED.search(reply) is not None


def is_afterword(text: str) -> bool:
    """Whether words behind a goodbye only answer it: "Bye.", "Okay, thanks". A new matter is none."""
    if not text or "?" in text or _TAKES_IT_BACK.match(text):
        return False
    return takes_leave(text, "Goodbye.") or len(text.split()) <= FEW_WORDS


def takes_leave(said: str, asked: str) -> bool:
    """Whether the call may end: the caller orders it, says goodbye, or wants nothing more when `asked`."""
    if is_goodbye(said) or _parts(said) or _orders(said):
        return True
    if len(said) > MAX_ANSWER_CHARS:
        return False
    plain = said.replace("’", "'")
    if _PARTED.search(asked):  # "Goodbye!" – "Okay, thanks."
        return _DECLINES.fullmatch(plain) is not None or _AGREES.fullmatch(plain) is not None
    if _SHALL_WE_END.search(asked):
        return _AGREES.fullmatch(plain) is not None
    return _ANYTHING_ELSE.search(asked) is not None and _DECLINES.fullmatch(plain) is not None


def _parts(said: str) -> bool:
    """Whether the last clause is a goodbye: "It works again. Bye!", and not "Tell him I said bye"."""
    last = _clauses(said)[-1]
    return _PARTED.search(last) is not None and is_goodbye(last)


def _orders(said: str) -> bool:
    """Whether a clause is an order to hang up, whatever stands around it, if it is not taken back."""
    clauses = _clauses(said.replace("’", "'"))
    for place in range(len(clauses) - 1, -1, -1):
        clause = clauses[place]
        if len(clause) <= MAX_ANSWER_CHARS and _ORDER.fullmatch(clause):
            return not any(_FORBIDS.fullmatch(earlier) for earlier in clauses[:place])
        if _TAKES_IT_BACK.match(clause):
            return False
    return False


def _clauses(said: str) -> list[str]:
    return re.split(r"[.!?;,\u2013\u2014]\s+", said.strip())
