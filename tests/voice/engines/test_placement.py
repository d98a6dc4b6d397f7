"""Where a worker finds its model, and what it says when it is nowhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from voice.engines.placement import Places, model_folder
from voice.errors import SetupError


def places_in(root: Path) -> Places:
    return Places(root / "models", (root / "own/hub", root / "cache/hub"), root / "volume")


def a_snapshot(cache: Path, revision: str, age_s: float = 0.0) -> Path:
    folder = cache / "models--maple--jamie-8b/snapshots" / revision
    folder.mkdir(parents=True)
    os.utime(folder, (1e9 - age_s, 1e9 - age_s))
    return folder


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert model_folder(str(tmp_path), places_in(tmp_path)) == tmp_path


def test_a_model_that_is_baked_into_the_image_is_taken_before_the_cache_and_the_volume(
    tmp_path: Path,
) -> None:
    places = places_in(tmp_path)
    (places.volume / "maple/jamie-8b").mkdir(parents=True)
    from_volume = model_folder("maple/jamie-8b", places)
    cached = a_snapshot(places.caches[1], "abc")
    from_cache = model_folder("maple/jamie-8b", places)
    (places.baked / "maple/jamie-8b").mkdir(parents=True)

    baked = model_folder("maple/jamie-8b", places)

    assert from_volume == places.volume / "maple/jamie-8b"
    assert from_cache == cached
    assert baked == places.baked / "maple/jamie-8b"


def test_of_several_cached_revisions_the_one_that_main_names_is_taken_and_else_the_newest(
    tmp_path: Path,
) -> None:
    places = places_in(tmp_path)
    older, newer = a_snapshot(places.caches[1], "old", age_s=100), a_snapshot(places.caches[1], "new")
    newest = model_folder("maple/jamie-8b", places)
    refs = places.caches[1] / "models--maple--jamie-8b/refs"
    refs.mkdir()
    (refs / "main").write_text("old\n", encoding="utf-8")

    named = model_folder("maple/jamie-8b", places)

    assert (newest, named) == (newer, older)


def test_a_model_that_is_nowhere_is_an_error_that_names_every_place(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as missing:
        model_folder("maple/jamie-8b", places_in(tmp_path))

    for place in ("models/maple/jamie-8b", "own/hub", "cache/hub", "volume/maple/jamie-8b"):
        assert str(tmp_path / place) in str(missing.value)


def test_an_absolute_path_that_is_not_there_is_looked_for_nowhere_else() -> None:
    with pytest.raises(SetupError, match=r"looked at /no/such/model$"):
        model_folder("/no/such/model")


@pytest.mark.parametrize(
    ("environment", "first"),
    [
        ({"HF_HOME": "/hf"}, "/hf/hub"),
        ({"HF_HOME": "/hf", "HF_HUB_CACHE": "/hub"}, "/hub"),
        ({}, "/runpod-volume/huggingface-cache/hub"),
    ],
)
def test_the_cache_that_the_environment_names_comes_before_runpods(environment, first) -> None:
    caches = Places.of(environment).caches

    assert caches[0] == Path(first)
    assert caches[-1] == Path("/runpod-volume/huggingface-cache/hub")
