"""A place of a text that is read differently from how it is written, and two readings made one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple


class Span(NamedTuple):
    """`text[start:end]` is said as `spoken`. `kind` names its class: "money", "date", "phone" …"""

    start: int
    end: int
    kind: str
    spoken: str


# A span from a tuple of its parts, in half the time: for what is made in every sentence.
made: Callable[[tuple[int, int, str, str]], Span] = partial(tuple.__new__, Span)


def replaced(text: str, spans: Sequence[Span]) -> str:
    """The text with its spans replaced; the same object when there are none."""
    if not spans:
        return text
    parts: list[str] = []
    done = 0
    add = parts.append
    for start, end, _, said in spans:
        add(text[done:start])
        add(said)
        done = end
    add(text[done:])
    return "".join(parts)


def composed(first: Sequence[Span], second: Sequence[Span], between: str) -> list[Span]:
    """The spans of a text that give at once what `first`, and then `second` of its result, give.

    `between` is the text with `first` replaced. Spans that overlap become one; a name of a lexicon
    stays as it is.
    """
    result: list[Span] = []
    grown = 0  # by so much `between` is ahead of the text
    for olds, news in _overlapping(_placed(first), second):
        if len(olds) == 1 and not news:  # most are read once only
            result.append(olds[0].origin)
            grown += olds[0].grows
            continue
        both = [*(place.inside for place in olds), *news]
        start, end = min(span.start for span in both), max(span.end for span in both)
        begins = start - grown
        grown += sum(place.grows for place in olds)
        if any(place.origin.kind == "name" for place in olds):
            result += [place.origin for place in olds]
            continue
        said = replaced(
            between[start:end], [new._replace(start=new.start - start, end=new.end - start) for new in news]
        )
        kind = olds[0].origin.kind if olds else news[0].kind
        result.append(Span(begins, end - grown, kind, said))
    return result


class _Placed:
    """A span of the first reading, and where it stands in what was read."""

    __slots__ = ("grows", "inside", "origin")

    def __init__(self, inside: Span, origin: Span) -> None:
        self.inside, self.origin = inside, origin
        self.grows = len(origin.spoken) - (origin.end - origin.start)


def _placed(first: Sequence[Span]) -> list[_Placed]:
    result: list[_Placed] = []
    grown = 0
    for span in first:
        start = span.start + grown
        place = _Placed(span._replace(start=start, end=start + len(span.spoken)), span)
        result.append(place)
        grown += place.grows
    return result


def _overlapping(
    first: Sequence[_Placed], second: Sequence[Span]
) -> Iterator[tuple[list[_Placed], list[Span]]]:
    """Both in order, those that overlap together."""
    olds: list[_Placed] = []
    news: list[Span] = []
    end = 0
    both = sorted(
        [*((place.inside, place) for place in first), *((span, None) for span in second)],
        key=lambda item: item[0][:2],
    )
    for span, place in both:
        if (olds or news) and span.start >= end:
            yield olds, news
            olds, news = [], []
        if place is None:
            news.append(span)
        else:
            olds.append(place)
        end = max(end, span.end)
    if olds or news:
        yield olds, news
