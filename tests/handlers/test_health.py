"""Alive, ready, metrics."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tests.handlers.house import a_house
from voice.models.base import Health
from voice.models.scripted import ScriptedClient


async def test_it_is_alive_and_ready_and_anybody_may_ask() -> None:
    async with a_house() as house:
        http = house.from_elsewhere()
        live, ready = await http.get("/health/live"), await http.get("/health/ready")

    assert (live.status_code, live.json()) == (200, {"status": "alive"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "reasons": []})


async def test_it_says_why_it_is_not_ready() -> None:
    class Starting(ScriptedClient):
        async def health(self) -> Health:
            return Health("starting")

    async with a_house(Starting("embedded")) as house:
        house.brain.routes[0].is_local = True
        ready = await house.http.get("/health/ready")

    assert ready.status_code == 503
    assert ready.json() == {"status": "not ready", "reasons": ["route embedded: starting"]}


async def test_metrics_are_prometheus_text() -> None:
    async with a_house() as house:
        await house.http.post("/chat", json={"message": "My sink leaks."})
        answer = await house.http.get("/metrics")
        body, kind = house.brain.metrics.render()

    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind == "text/plain; version=0.0.4; charset=utf-8"
    assert b'offhook_turns_total{door="chat",ending="answered",route="scripted"} 1.0\n' in answer.content
    assert [family.name for family in text_string_to_metric_families(answer.text)] == [
        family.name for family in text_string_to_metric_families(body.decode())
    ]
