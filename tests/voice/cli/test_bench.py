"""`offhook bench`: its figures, its floor, its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.voice.cli.running import offhook
from voice.cli.bench_server import Answered, BenchServer, Floor


@pytest.mark.slow
@pytest.mark.parametrize("door", ["vapi", "gather"])
def test_calls_are_measured_beside_the_floor(tmp_path: Path, door: str) -> None:
    told = offhook(
        "bench", "--calls", "4", "--turns", "2", "--door", door, "--json", "bench.json", folder=tmp_path
    )

    assert told.returncode == 0, told.stdout + told.stderr
    found = json.loads((tmp_path / "bench.json").read_text())
    for side in ("offhook", "floor"):
        assert found[side]["turns"] == 8
        assert found[side]["late"] == found[side]["silent"] == found[side]["errors"] == 0
        assert found[side]["ttfc_p50"] >= 150  # the scripted model's first word
        assert found[side]["cpu_ms"] >= 0
    assert found["ratio"]["ttfc_p50"] > 0.9
    assert "first words, p95" in told.stdout


async def test_the_floor_plays_frames_when_their_words_were_written() -> None:
    said: list[tuple[bytes, bool]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b""}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        if message["type"] == "http.response.body":
            said.append((message["body"], bool(message.get("more_body"))))

    answers = {"/x": Answered(200, "text/plain", [(0.0012, "one "), (0.0114, "two")])}

    await Floor(answers, first_s=0.001, every_s=0.005)({"path": "/x"}, receive, send)

    assert said == [(b"one ", True), (b"two", True), (b"", False)]


def test_a_server_is_described_by_one_argument() -> None:
    server = BenchServer("floor", "/tmp", reply="Hello.", answers={"/x": Answered(200, "a", [(0.5, "é")])})

    again = BenchServer.from_text(server.as_text())

    assert again.answers["/x"].frames == [[0.5, "é"]]
    assert (again.kind, again.reply) == ("floor", "Hello.")
