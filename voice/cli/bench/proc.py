"""What the kernel tells of processes: their CPU, their memory, and whether the machine was taken away.

Linux only; elsewhere there are no figures of CPU and memory. A thread's CPU comes from the scheduler in
nanoseconds, that of ended threads and children is not in it: the servers of a bench end none in its course.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True, slots=True)
class Usage:
    """A process tree at one instant. `waited_s`: its main thread could run and was not let.

    `rss` is that of all its processes, `own_rss` that of the first alone, in bytes. `switched`: how often it
    was put aside while it had work to do.
    """

    cpu_s: float
    waited_s: float
    switched: int
    rss: int
    own_rss: int
    processes: int


@dataclass(frozen=True, slots=True)
class Machine:
    """The CPUs of the machine: seconds in which each was busy, by number, and those the hypervisor kept."""

    busy_s: dict[int, float]
    stolen_s: float


def has_proc() -> bool:
    """Whether this system tells."""
    return (PROC / "self/schedstat").exists()


def usage(pid: int) -> Usage | None:
    """A process and all that it has started; None where the system does not tell."""
    if not has_proc():
        return None
    pids = tree(pid)
    rss = [_rss(one) for one in pids]
    return Usage(
        cpu_s=sum(used for one in pids for used in thread_cpu_s(one).values()),
        waited_s=_schedstat(PROC / f"{pid}/schedstat")[1],
        switched=_switched(pid),
        rss=sum(rss),
        own_rss=rss[0],
        processes=len(pids),
    )


def tree(pid: int) -> list[int]:
    """A process and its descendants."""
    children: dict[int, list[int]] = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit() and (fields := _after_name(folder / "stat")):
            children.setdefault(int(fields[1]), []).append(int(folder.name))
    found = [pid]
    for one in found:
        found.extend(children.get(one, ()))
    return found


def thread_cpu_s(pid: int | str = "self") -> dict[int, float]:
    """The CPU that each thread of a process has used."""
    try:
        folders = list((PROC / str(pid) / "task").iterdir())
    except OSError:
        return {}
    return {int(one.name): _schedstat(one / "schedstat")[0] for one in folders}


def machine() -> Machine | None:
    """The machine's CPUs now; None where the system does not tell."""
    text = _read(PROC / "stat")
    busy, stolen = {}, 0.0
    for line in text.splitlines():
        name, *values = line.split()
        if name[:3] != "cpu" or name == "cpu":
            continue
        user, nice, system, _idle, _wait, irq, softirq, steal = map(int, values[:8])
        busy[int(name[3:])] = (user + nice + system + irq + softirq) / TICKS
        stolen += steal / TICKS
    return Machine(busy, stolen) if busy else None


def cores() -> list[int]:
    """The CPUs this process may use; none where they cannot be chosen."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []


def pin(chosen: Iterable[int]) -> None:
    """Stay on these CPUs; no choice, no change."""
    wanted = set(chosen)
    if wanted and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, wanted)


def _schedstat(file: Path) -> tuple[float, float]:
    """Seconds on a CPU, and seconds of waiting for one."""
    found = _read(file).split()
    return (int(found[0]) / 1e9, int(found[1]) / 1e9) if len(found) >= 2 else (0.0, 0.0)


def _switched(pid: int) -> int:
    for line in _read(PROC / f"{pid}/status").splitlines():
        if line.startswith("nonvoluntary_ctxt_switches:"):
            return int(line.split()[1])
    return 0


def _rss(pid: int) -> int:
    fields = _read(PROC / f"{pid}/statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else 0


def _after_name(file: Path) -> list[str]:
    """The fields of a stat file after the process's name, which may hold anything."""
    return _read(file).rpartition(")")[2].split()


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # it has just ended
