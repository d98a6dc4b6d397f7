"""What the worker costs beside its engine: python -m tests.voice.engines.measure [SECTION …]

Each figure stands beside the same engine driven directly, or beside RunPod's SDK with a handler of four
lines, in the same run: machines are noisy, ratios hold. The worker, the played RunPod and whoever asks are
processes of their own; nothing but loopback is asked. All sections take about eight minutes.
"""

from __future__ import annotations

import argparse
import asyncio

from tests.voice.engines.measure import rates, stops, waits
from tests.voice.engines.measure.library import library


async def _library() -> None:
    library()


SECTIONS = {
    "starts": waits.starts,
    "embedded": waits.embedded,
    "library": _library,
    "rates-embedded": rates.embedded,
    "rates-lb": rates.paced_lb,
    "rates-queue": rates.paced_queue,
    "added": waits.added,
    "line": waits.slow_line,
    "stops": stops.stops,
}


async def main(names: list[str]) -> None:
    for name in names or SECTIONS:
        await SECTIONS[name]()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tests.voice.engines.measure", description="What the worker costs beside its engine."
    )
    parser.add_argument(
        "sections", nargs="*", metavar="SECTION", help=f"of: {', '.join(SECTIONS)}; all of them"
    )
    given = parser.parse_args()
    if unknown := [name for name in given.sections if name not in SECTIONS]:
        parser.error(f"there is no section {unknown[0]!r}")
    asyncio.run(main(given.sections))
