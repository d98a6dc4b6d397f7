"""Measures the verbaliser: `python -m tests.voice.speech.measure [CASES.jsonl]` prints accuracy and speed.

With `--peer` it reads the same sentences with the package normt2s, too, where that is installed.

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
from importlib import import_module
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from unicodedata import category

from tests.voice.speech.generated import dense_sentences
from tests.voice.speech.hostile import HOSTILE
from voice.speech.aloud import aloud
from voice.speech.chunk import Chunker
from voice.speech.clean import clean
from voice.speech.normalise import spans, spoken

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


DULL = "Sure, {}, I can help you with that. Would Tuesday in the morning be good for you, or later?"
NAMES = ("Kim", "Omar", "Priya", "Jordan", "Ines", "Noor", "Luca", "Mei", "Asha", "Tom")
ROUNDS = 9  # of which the fastest counts: what else runs on the machine only makes it slower
DENSE_CHARS, DENSE_PLACES = range(50, 91), 3


def timed_us(work: Callable[[str], object], text: str, rounds: int = 1) -> float:
    """Microseconds of processor time, so that other processes do not count; the least of some rounds."""
    best = inf
    for _ in range(rounds):
        began = time.process_time_ns()
        work(text)
        best = min(best, time.process_time_ns() - began)
    return best / 1000


def quantiles(took: Iterable[float]) -> tuple[float, float]:
    """p50 and p99."""
    ordered = sorted(took)
    return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]


def peer(text: str) -> str:
    """What any normaliser has to do at least: find numbers and words, and put others in their place."""
    return _PEER.sub(lambda found: found[0], text)


_PEER = re.compile(r"\d+|[A-Za-z]+")
_FRESH = """
import sys, time
import re, functools, typing, dataclasses, unicodedata, collections.abc
def resident_kb():
    return int(next(line for line in open('/proc/self/status') if line.startswith('VmRSS')).split()[1])
before, began = resident_kb(), time.process_time()
from voice.speech.normalise import spoken
imported, after = time.process_time(), resident_kb()
spoken('It is $5 at 3 pm on 3/14, call 512-555-0134.')
print(f'{1000 * (imported - began):.1f} {(after - before) / 1024:.1f}'
      f' {1000 * (time.process_time() - imported):.1f} {(resident_kb() - before) / 1024:.1f}')
"""


def _is_dense(text: str) -> bool:
    return len(text) in DENSE_CHARS and len(spans(text)) >= DENSE_PLACES


def _tell_bound(what: str, took: float, bound: float, unit: str) -> None:
    verdict = "within" if took <= bound else "BEYOND"
    _tell(f"{what:62} {took:7.1f} {unit:2}  {verdict} {bound:g} {unit}")


def sentence_speeds(found: Sequence[Case]) -> None:
    """Print how long a sentence takes; none is read twice but where the fastest of some rounds counts."""
    dense = _dense(seed=11, count=6000)
    for text in dense[:200]:
        spoken(text)  # patterns are compiled when they are first met
    middle, slow = quantiles(timed_us(spoken, text) for text in dense[200:])
    base, _ = quantiles(timed_us(peer, text) for text in dense[200:])
    _tell(f"this machine, now: finding the words and numbers of such a sentence takes {base:.1f} µs")
    _tell(f"{len(dense) - 200} dense sentences, each read once: {middle / base:.1f} times as much")
    _tell_bound(f"… p50 ({len(dense[0])} characters: {dense[0][:30]}…)", middle, 30, "µs")
    _tell_bound("… p99", slow, 150, "µs")
    if own := [case.written for case in found if _is_dense(case.written)]:
        middle, slow = quantiles(timed_us(spoken, text, ROUNDS) for text in own)
        _tell_bound(f"{len(own)} dense cases, the fastest of {ROUNDS} rounds each: p50", middle, 30, "µs")
        _tell_bound("… p99", slow, 150, "µs")
    dull = _dull()
    assert all(spoken(text) is text for text in dull)
    middle, slow = quantiles(timed_us(spoken, text, ROUNDS) for text in dull)
    _tell_bound(f"nothing to do, {len(dull[0])} characters: p50", middle, 5, "µs")


def _dense(seed: int, count: int) -> list[str]:
    return [text for text in dense_sentences(seed, count) if _is_dense(text)]


def _dull() -> list[str]:
    return [DULL.format(f"{first} {last}") for first in NAMES for last in NAMES]


def peer_speeds() -> None:
    """Print what normt2s takes for such sentences, too: both read the same ones, each one once."""
    try:
        theirs: Callable[[str], object] = import_module("normt2s").get_normalizer("en").normalize
    except ImportError:
        _tell("--peer needs the package: pip install normt2s")
        return
    for what, texts in (("dense sentences", _dense(seed=12, count=1300)), ("nothing to do", _dull())):
        for text in texts[:50]:
            theirs(text)
        theirs_us, ours_us = (
            quantiles(timed_us(read, text) for text in texts)[0] for read in (theirs, spoken)
        )
        _tell(f"{what}: normt2s {theirs_us:.1f} µs, ours {ours_us:.1f} µs, {ours_us / theirs_us:.2f}")


def hostile_speeds() -> None:
    """Print the slowest kinds of hostile text, through each way that a text may take."""
    ways: Mapping[str, Callable[[str], object]] = {
        "clean": clean,
        "spoken": spoken,
        "aloud": aloud,
        "chunks": chunked,
    }
    for name, way in ways.items():
        took = sorted(((timed_us(way, text, 3) / 1000, kind) for kind, text in HOSTILE.items()), reverse=True)
        slowest = ", ".join(f"{kind} {ms:.0f}" for ms, kind in took[1:4])
        _tell_bound(
            f"100 kB, {name}, the slowest of {len(took)}: {took[0][1]} ({slowest})", took[0][0], 20, "ms"
        )


def chunked(text: str) -> None:
    """A reply that comes at once, through the chunker."""
    chunker = Chunker()
    chunker.feed(text)
    chunker.end()


def import_speed() -> None:
    """Print what the import costs, the least of some fresh processes."""
    rows: list[list[float]] = []
    with TemporaryDirectory() as cache:  # of compiled modules, as an installed package has them
        environ = {**os.environ, "PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
        for _ in range(ROUNDS):
            command = [sys.executable, "-c", _FRESH]
            fresh = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
            rows.append([float(word) for word in fresh.stdout.split()])
    times, sizes, first_times, all_sizes = zip(*rows, strict=True)
    imported_ms, first_ms = min(times), min(first_times)
    imported_mb, all_mb = max(sizes), max(all_sizes)  # pages are counted late, never too early
    _tell_bound("import", imported_ms, 10, "ms")
    _tell_bound("… resident", imported_mb, 3, "MB")
    _tell(f"the first call {first_ms} ms more; then {all_mb} MB in all")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="?", type=Path)
    parser.add_argument("--peer", action="store_true", help="compare with the package normt2s")
    asked = parser.parse_args()
    path: Path | None = asked.cases
    found = cases(path) if path else []
    if found:
        results = accuracy([case for case in found if not case.is_quirk], aloud)
        for kind, rights in sorted(results.items()):
            _tell(f"{kind:24} {sum(rights):3} of {len(rights):3}")
        for prefix in ("phone_", "nemo_", "sent_", ""):
            _tell(f"{prefix or 'all':24} {shares(results, prefix)}")
        _tell(f"{'macro average':24} {macro(results):5.1f} %")
    sentence_speeds(found)
    if asked.peer:
        peer_speeds()
    hostile_speeds()
    import_speed()


if __name__ == "__main__":
    main()
