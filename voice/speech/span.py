"""A place of a text that is read differently from how it is written, and two readings made one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """`text[start:end]` is said as `spoken`. `kind` names its class: "money", "date", "phone" …"""

    start: int
    end: int
    kind: str
    spoken: str


def replaced(text: str, spans: Sequence[Span]) -> str:
    """The text with its spans replaced; the same object when there are none."""
    if not spans:
        return text
    parts: list[str] = []
    done = 0
    for start, end, _, said in spans:
        parts += (text[done:start], said)
        done = end
    parts.append(text[done:])
    return "".join(parts)


def composed(first: Sequence[Span], second: Sequence[Span], between: str) -> list[Span]:
    """The spans of a text that give at once what `first`, and then `second` of its result, give.

    `between` is the text with `first` replaced. Spans that overlap become one; a name of a lexicon
    stays as it is.
    """
    result: list[Span] = []
    grown = 0  # by so much `between` is ahead of the text
    for olds, news in _overlapping(_placed(first), second):
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


class _Placed(NamedTuple):
    """A span of the first reading, and where it stands in what was read."""

    inside: Span
    origin: Span

    @property
    def grows(self) -> int:
        return len(self.origin.spoken) - (self.origin.end - self.origin.start)


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
