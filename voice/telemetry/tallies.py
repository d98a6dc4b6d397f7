"""Plain numbers that Prometheus reads: counters, and how often something took how long.

A turn counts a dozen things. The library's own counters take a lock and a look-up for each, together 50 µs;
these are entries of a table, and become the library's families at a scrape.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

Labels = tuple[str, ...]


class Counts(Collector):
    """How often something happened, by labels."""

    def __init__(self, registry: CollectorRegistry, name: str, what: str, *labels: str) -> None:
        self._name, self._what, self._labels = name, what, labels
        self._counts: dict[Labels, float] = {}
        registry.register(self)

    def add(self, *labels: str, by: float = 1.0) -> None:
        """Count it once more, or by so much."""
        self._counts[labels] = self._counts.get(labels, 0.0) + by

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(self._name, self._what, labels=self._labels)
        for labels, count in list(self._counts.items()):  # a scrape may come from another thread
            family.add_metric(labels, count)
        yield family


class Times(Collector):
    """How often something took how long, by labels. `bounds_s`: the upper ends of the buckets, rising."""

    def __init__(
        self, registry: CollectorRegistry, name: str, what: str, labels: Labels, bounds_s: Sequence[float]
    ) -> None:
        self._name, self._what, self._labels, self._bounds_s = name, what, labels, bounds_s
        self._counts: dict[Labels, list[int]] = {}  # one for each bucket, and for what is beyond
        self._sums_s: dict[Labels, float] = {}
        registry.register(self)

    def add(self, labels: Labels, took_s: float) -> None:
        """Count one that took so long."""
        if labels not in self._counts:
            self._sums_s[labels] = 0.0  # before the counts, which a scrape goes by
            self._counts[labels] = [0] * (len(self._bounds_s) + 1)
        self._counts[labels][bisect_left(self._bounds_s, took_s)] += 1
        self._sums_s[labels] += took_s

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._what, labels=self._labels)
        ends = [*map(str, self._bounds_s), "+Inf"]
        for labels, counts in list(self._counts.items()):
            buckets = list(zip(ends, accumulate(counts), strict=True))
            family.add_metric(labels, buckets, self._sums_s[labels])
        yield family
