"""Where a model's files are: baked into the image, in RunPod's cache, or on a volume. Never fetched.

A worker that fetches its model at its first job keeps a caller waiting for minutes, so a model that is
not here is an error at the start, which names every place that was looked at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from voice.errors import SetupError


@dataclass(frozen=True, slots=True)
class Places:
    """Where models may be, quickest first."""

    baked: Path = Path("/models")  # in the image, on the worker's own disk
    caches: tuple[Path, ...] = (Path("/runpod-volume/huggingface-cache/hub"),)  # RunPod's "cached model"
    volume: Path = Path("/runpod-volume/models")  # a network volume: ties to one data centre, reads slowly

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Places:
        """RunPod's places, and the Hugging Face cache that the environment names."""
        named = environment.get("HF_HUB_CACHE") or environment.get("HF_HOME", "")
        own = Path(named) if environment.get("HF_HUB_CACHE") else Path(named, "hub")
        return cls(caches=(*((own,) if named else ()), *cls().caches))


def model_folder(name: str, places: Places | None = None) -> Path:
    """The folder of a model that is named by its folder, or as `owner/name`.

    Raises SetupError when it is nowhere.
    """
    looked = list(_candidates(name, places or Places.of(os.environ)))
    found = next((path for path in looked if path.is_dir()), None)
    if found is None:
        listed = ", ".join(str(path) for path in looked)
        raise SetupError(f"the model {name!r} is not on this machine; looked at {listed}")
    return found


def _candidates(name: str, places: Places) -> Iterator[Path]:
    yield Path(name).expanduser().absolute()
    if name.startswith(("/", "~", ".")):
        return
    yield places.baked / name
    for cache in places.caches:
        yield _snapshot(cache / f"models--{name.replace('/', '--')}")
    yield places.volume / name


def _snapshot(repository: Path) -> Path:
    """The snapshot that `main` names in a Hugging Face cache, else its newest one."""
    snapshots, main = repository / "snapshots", repository / "refs/main"
    if main.is_file():
        return snapshots / main.read_text(encoding="utf-8").strip()
    there = sorted(snapshots.iterdir(), key=lambda path: path.stat().st_mtime) if snapshots.is_dir() else []
    return there[-1] if there else snapshots
