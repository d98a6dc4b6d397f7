"""Measures the verbaliser: `python -m tests.voice.speech.measure [CASES.jsonl]` prints accuracy and speed.

A case is one JSON object a line: `in`, `out` (the accepted spoken forms), `class`, `alt` (further
forms), `quirk` (its convention is not one for a phone voice: counted apart). The comparison ignores
case, whitespace and punctuation; a sign that is left over is an error unless the accepted form has it,
too; and "hundred and five" is "hundred five", "oh" is "zero", "the third of May" is "May third".
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unicodedata import category

from voice.speech.aloud import aloud
from voice.speech.normalise import spoken

_tell = partial(print, flush=True)
_MONTH = "january|february|march|april|may|june|july|august|september|october|november|december"
_DAY_OF = re.compile(rf"\b(?:the )?([a-z]+(?: [a-z]+)?) of ({_MONTH})\b")
_ORDINAL = re.compile(r"(?:first|second|third|th)$")
_AND = re.compile(r"\b(hundred|thousand|million|billion) and\b")
_OH = re.compile(r"\b(?:oh|o)\b")
_SIGNS = frozenset("*#$@%&_+=<>^~|\\{}/")


@dataclass(frozen=True, slots=True)
class Case:
    """A written text, and the forms in which it may be said."""

    written: str
    accepted: tuple[str, ...]
    kind: str
    is_quirk: bool


def cases(path: Path) -> list[Case]:
    """The cases of a file of lines."""
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [
        Case(row["in"], (*_listed(row["out"]), *row.get("alt", ())), row["class"], bool(row.get("quirk")))
        for row in rows
    ]


def _listed(forms: str | list[str]) -> list[str]:
    return [forms] if isinstance(forms, str) else forms


def is_right(said: str, accepted: Iterable[str]) -> bool:
    """Whether what is said is one of the accepted forms."""
    return any(
        _comparable(said) == _comparable(form) and leftovers(said) <= leftovers(form) for form in accepted
    )


def leftovers(text: str) -> set[str]:
    """The signs of a text that no voice can say."""
    return {sign for sign in text if sign in _SIGNS or category(sign)[0] == "S"}


def _comparable(text: str) -> str:
    words = re.sub(r"[\s\-–—]+", " ", text.lower())
    words = "".join(sign for sign in words if sign.isalnum() or sign == " ")
    words = _OH.sub("zero", _AND.sub(r"\1", words))
    words = _DAY_OF.sub(_month_first, words)
    return words.replace(" ", "")


def _month_first(found: re.Match[str]) -> str:
    day, month = found.groups()
    return f"{month} {day}" if _ORDINAL.search(day) else found[0]


def accuracy(all_cases: Sequence[Case], say: Callable[[str], str]) -> Mapping[str, list[bool]]:
    """Class → right or wrong, case by case. Wrong ones are printed."""
    results: dict[str, list[bool]] = defaultdict(list)
    for case in all_cases:
        said = say(case.written)
        right = is_right(said, case.accepted)
        results[case.kind].append(right)
        if not right:
            _tell(f"  {case.kind}: {case.written!r}\n     said {said!r}\n     want {case.accepted[0]!r}")
    return results


def shares(results: Mapping[str, list[bool]], prefix: str) -> str:
    """ "97.1 % of 70" for the classes that begin so."""
    chosen = [right for kind, rights in results.items() if kind.startswith(prefix) for right in rights]
    return f"{100 * statistics.mean(chosen):5.1f} % of {len(chosen)}" if chosen else "none"


def macro(results: Mapping[str, list[bool]]) -> float:
    """The mean of the classes' accuracies, in percent."""
    return 100 * statistics.mean(statistics.mean(rights) for rights in results.values())


DENSE = (
    "Rent is $1,250/mo, due on 3/14 at 2:30 pm. Call (512) 555-0134 or a@b.com.",
    "Dr. Lee is in Apt. 4B at 2100 Kramer Ln, Ste 200, from 9-5 on 8/1.",
    "It's 98.6°F, 12 kg, 65–70% and $2.4M by Jan 15, 2026.",
)
DULL = "Sure, I can help you with that. Would Tuesday in the morning be good for you, or rather later?"
HOSTILE = {
    "spaces": " " * 100_000,
    "[(": "[(" * 50_000,
    "a.a.a.": "a." * 50_000,
    "digits": "7" * 100_000,
    "digits and commas": "7," * 50_000,
    "digits and dashes": "7-" * 50_000,
    "capitals": "A" * 100_000,
    "unclosed tags": "<a " * 33_333,
    "at signs": "a@" * 50_000,
    "slashes": "a/" * 50_000,
    "dollars": "$" * 100_000,
    "hash digits": "#1 " * 33_333,
}


def quantiles(text: str, rounds: int = 4000) -> tuple[float, float]:
    """p50 and p99 of one call, in microseconds."""
    took: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter_ns()
        spoken(text)
        took.append((time.perf_counter_ns() - began) / 1000)
    took.sort()
    return took[len(took) // 2], took[len(took) * 99 // 100]


_FRESH = """
import sys, time
import re, functools, typing, dataclasses, unicodedata, collections.abc
def resident_kb():
    return int(next(line for line in open('/proc/self/status') if line.startswith('VmRSS')).split()[1])
before, began = resident_kb(), time.perf_counter()
from voice.speech.normalise import spoken
imported, after = time.perf_counter(), resident_kb()
spoken('It is $5 at 3 pm on 3/14, call 512-555-0134.')
print(f'{1000 * (imported - began):.1f} {(after - before) / 1024:.1f}'
      f' {1000 * (time.perf_counter() - imported):.1f} {(resident_kb() - before) / 1024:.1f}')
"""


def speeds() -> None:
    """Print how long everything takes."""
    for text in DENSE:
        middle, slow = quantiles(text)
        _tell(f"dense, {len(text)} characters: p50 {middle:.1f} µs, p99 {slow:.1f} µs")
    middle, slow = quantiles(DULL)
    _tell(f"nothing to do, {len(DULL)} characters: p50 {middle:.1f} µs, p99 {slow:.1f} µs")
    for name, text in HOSTILE.items():
        began = time.perf_counter()
        said = aloud(text)
        _tell(f"100 kB of {name}: {1000 * (time.perf_counter() - began):.1f} ms, {len(said)} characters said")
    with TemporaryDirectory() as cache:  # of compiled modules, as an installed package has them
        environ = {**os.environ, "PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
        for _ in range(2):
            fresh = subprocess.run(
                [sys.executable, "-c", _FRESH], capture_output=True, text=True, check=True, env=environ
            )
    imported_ms, imported_mb, first_ms, all_mb = fresh.stdout.split()
    _tell(
        f"import {imported_ms} ms and {imported_mb} MB; the first call {first_ms} ms, then {all_mb} MB in all"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="?", type=Path)
    path: Path | None = parser.parse_args().cases
    if path:
        found = cases(path)
        results = accuracy([case for case in found if not case.is_quirk], aloud)
        for kind, rights in sorted(results.items()):
            _tell(f"{kind:24} {sum(rights):3} of {len(rights):3}")
        for prefix in ("phone_", "nemo_", "sent_", ""):
            _tell(f"{prefix or 'all':24} {shares(results, prefix)}")
        _tell(f"{'macro average':24} {macro(results):5.1f} %")
    speeds()


if __name__ == "__main__":
    main()
