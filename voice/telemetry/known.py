"""Our own secrets, known by their value: they come back to us in what platforms send.

An assistant that is written with the key of a door in its URL is told again in transfers and reports.
So what is kept is searched for the values themselves, as they stand in a setting and as a URL spells them.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from voice.telemetry.scrub import SECRET

MIN_KNOWN_CHARS = 8  # a shorter one stands in ordinary words, too; whoever wants it guesses it
IN_PATHS = "!$&'()*+,;=:@"  # what a part of a path may hold as it is


class KnownSecrets:
    """Secrets to be left out of texts. Short ones are told only where they are the whole of something."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        found = {one for one in secrets if one}
        forms = {form for one in found if len(one) >= MIN_KNOWN_CHARS for form in _spelt(one)}
        self._forms = tuple(sorted(forms, key=len, reverse=True))
        self._short = frozenset(one for one in found if len(one) < MIN_KNOWN_CHARS)

    def are_in(self, text: str) -> bool:
        """Whether `without` would change a text, be it as long as a whole message."""
        return any(form in text for form in self._forms)

    def without(self, text: str, instead: str = SECRET) -> str:
        """The text with `instead` in place of every secret that is not short."""
        for form in self._forms:
            text = text.replace(form, instead)
        return text

    def is_short(self, text: str) -> bool:
        """Whether a text is one of the short secrets, and nothing else."""
        return text in self._short


def _spelt(secret: str) -> Iterable[str]:
    """A secret, and the ways in which URLs write it."""
    yield secret
    for safe in ("", IN_PATHS):
        written = quote(secret, safe=safe, errors="replace")
        yield written
        yield _lowered(written)


def _lowered(written: str) -> str:
    """The same with %3f for %3F."""
    begun, *rest = written.split("%")
    return "%".join([begun, *(part[:2].lower() + part[2:] for part in rest)])


NO_SECRETS = KnownSecrets()
