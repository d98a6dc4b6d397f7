"""What RunPod's GPUs cost while a serverless worker runs on them ("flex"), in dollars per second.

Source: RunPod's serverless pricing page, as of 2026-08-20. Prices change: OFFHOOK_RUNPOD_USD_PER_HOUR wins.
"""

from __future__ import annotations

import re
from typing import Final

AS_OF: Final = "2026-08-20"
USD_PER_S: Final = {
    "A4000": 0.00016,
    "A4500": 0.00016,
    "RTX 4000": 0.00016,
    "L4": 0.00019,
    "A5000": 0.00019,
    "3090": 0.00019,
    "4090": 0.00031,
    "A6000": 0.00034,
    "A40": 0.00034,
    "L40": 0.00053,
    "L40S": 0.00053,
    "6000 Ada": 0.00053,
    "A100": 0.00076,
    "RTX PRO 6000": 0.00111,
    "H100": 0.00116,
    "H200": 0.00155,
    "B200": 0.00240,
}
# Pools of RunPod's, by one of the GPUs in them: all in a pool cost the same.
POOLS: Final = {
    "AMPERE_16": "A4000",
    "AMPERE_24": "A5000",
    "ADA_24": "4090",
    "AMPERE_48": "A6000",
    "ADA_48_PRO": "L40S",
    "AMPERE_80": "A100",
    "ADA_80_PRO": "H100",
    "HOPPER_141": "H200",
}


def usd_per_hour(gpu: str) -> float | None:
    """The price of a GPU or a pool, however it is spelled: "L4", "NVIDIA L40S", "ada_24"; None: not known."""
    wanted = POOLS.get(gpu.strip().upper(), gpu)
    words = _words(wanted)
    found = [name for name in USD_PER_S if _within(_words(name), words)]
    return USD_PER_S[max(found, key=len)] * 3600 if found else None


def _words(name: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[A-Z0-9]+", name.upper()))


def _within(few: tuple[str, ...], many: tuple[str, ...]) -> bool:
    """Whether the words stand beside each other in the longer name."""
    return any(many[at : at + len(few)] == few for at in range(len(many) - len(few) + 1))
