"""Briefing: what a person is told of a caller before they take the call.

One sentence in the caller's own words, since those invent nothing. A person's line may be overheard, or
be a voicemail, so what could be a secret is left out: long numbers, addresses of mail, and what a password or
a code is said to be. What the call is about stays, and so does a street with its house number: somebody may
be sent there. Rules: tests/voice/agents/test_briefing.py
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from voice.types import words

TELLING_WORDS = 2  # "Hello, good morning." and "Can I talk to a person?" have none of them
MOST_WORDS = 30  # ten seconds; a caller waits meanwhile
LAST_DIGITS = 4  # of the caller's number: enough to know it again

_SAYS_NOTHING = frozenset(
    words(
        "hello hi hey good morning afternoon evening yes yeah no nope please thanks thank you okay ok sure "
        "right well um uh how are i'm i am fine it's is this there bye goodbye sorry "
        "can could would may i'd like want need to talk speak with a an the real live person human somebody "
        "someone agent representative operator manager put me through transfer connect get now just again"
    )
)
_NUMBER_WORD = (
    "oh|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    "sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|"
    "double|triple"
)
_MAIL = re.compile(r"\S+@\S+\w")
_SECRET_WORD = (
    # A boiler's error code is what the call is about.
    r"(?<!error )(?<!fault )\b(?:password|passcode|passphrase|pass ?code|pin|code|cvv|cvc|ssn|iban|secret|"
    r"social security|card number|account number)(?: number)?\b"
    r"(?:\s+(?:for|to|of|at|on)(?:\s+[\w'’]+){1,4}?)?"
)
# Where a secret's own words end and the caller goes on: "… and it fails", not "salt and vinegar".
_GOES_ON = (
    r",?\s+(?:because|but|although|so|since|while|when|which|or\s+else|"
    r"(?:and|or)\s+(?:i|i'm|it|it's|the|my|we|our|he|she|they|there|this|that|now|also|still|please)\b)"
    r"|,\s+(?:and|the|my|i|it|we|our|there|please|can|could)\b"
)
_IS = r"(?:\s*(?:['’]s\b|[:=])|\s+(?:is|was|are|it['’]?s)\b)"
_FIGURES = rf"(?:[\s,#-]+(?:\d[\d-]*|(?:{_NUMBER_WORD})\b))+"
# What follows a word such as "password": figures, whatever "is" leads to, or the clause's last word.
_SECRET = re.compile(
    rf"({_SECRET_WORD})(?:"
    rf"{_IS}?{_FIGURES}(?=\s*[.,!?;]|\s*$|\s+(?:and|but|because|so|or|on|in|for|the|my|it)\b"
    rf"(?!\s+(?:\d|(?:{_NUMBER_WORD})\b)))"
    rf"|{_IS}(?:(?!{_GOES_ON})(?![.!?;](?:\s|$)).)*"
    rf"|{_FIGURES}"
    r"|\s+[^\s.!?;,]+(?=[.!?;,]|\s*$))",
    re.IGNORECASE | re.DOTALL,
)
# Four digits or more, however grouped: "4111 1111", "415-555-0123"; three number words or more in a row.
_DIGITS = re.compile(r"\+?(?:\d[\s().,-]*){3,}\d")
_SPELT = re.compile(
    rf"\b(?:{_NUMBER_WORD})(?:[\s,-]+(?:{_NUMBER_WORD}|\d+))+[\s,-]+(?:{_NUMBER_WORD}|\d+)\b", re.I
)
# A house number is told: who is sent out at night needs the address.
_HOUSE = re.compile(r"\d{4,5}|[a-z]+(?:[\s-][a-z]+){2,4}", re.I)
_STREET = re.compile(
    r"(?:\s+(?!(?:on|in|by|at|to|the|and|is|it|from|my|a|thank)\b)[\w'’-]+){0,3}"
    r"\s+(?:street|st|avenue|ave|road|rd|lane|ln|boulevard|blvd|drive|dr|court|ct|terrace|highway|parkway)\b",
    re.IGNORECASE,
)


def briefing(said: Sequence[str]) -> str:
    """The caller's words that tell best what the call is about, without secrets; "" when none do.

    `said` are their utterances, in order.
    """
    counted = [(len(set(words(text)) - _SAYS_NOTHING), text) for text in said]
    first = next((text for count, text in counted if count >= TELLING_WORDS), None)
    best = first or next((text for count, text in counted if count), "")
    return _finished(_shortened(without_secrets(best)))


def without_secrets(text: str) -> str:
    """A text without what could be one: "my pin is 4711, and I moved" → "my pin, and I moved"."""
    text = _MAIL.sub("an address", _SECRET.sub(r"\1", text))
    return " ".join(_SPELT.sub(_unless_a_house, _DIGITS.sub(_unless_a_house, text)).split())


def _unless_a_house(found: re.Match[str]) -> str:
    is_house = _HOUSE.fullmatch(found[0]) and _STREET.match(found.string, found.end())
    return found[0] if is_house else "a number"


def last_digits(caller: str | None) -> str:
    """The end of a caller's number, digit by digit: "+12025550123" → "0 1 2 3"; "" when it is hidden."""
    digits = "".join(char for char in caller or "" if char.isascii() and char.isdigit())
    is_number = caller is not None and not re.search("[A-Za-z@]", caller)
    return " ".join(digits[-LAST_DIGITS:]) if is_number and len(digits) > LAST_DIGITS else ""


def _shortened(text: str) -> str:
    parts = text.split()
    if len(parts) <= MOST_WORDS:
        return text
    return " ".join(parts[:MOST_WORDS]).rstrip(",;:-") + " …"


def _finished(text: str) -> str:
    """The words as a sentence: recognised speech often has no stop, and ours is said behind it."""
    return f"{text}." if text[-1:].isalnum() else text
