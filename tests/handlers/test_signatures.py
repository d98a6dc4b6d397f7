"""Who may use a door: whoever knows its secret; without a secret, this machine only."""

from __future__ import annotations

import pytest

from tests.handlers.house import a_house
from voice.events import RequestRefused

WORDS = {"message": "Hello."}


async def test_a_door_without_a_secret_answers_to_this_machine_only() -> None:
    async with a_house() as house:
        here = await house.http.post("/chat", json=WORDS)
        elsewhere = await house.from_elsewhere().post("/chat", json=WORDS)

    assert here.status_code == 200
    assert elsewhere.status_code == 403
    assert elsewhere.json()["error"]["message"] == "Not authorised."
    assert RequestRefused("chat", 403, "LoopbackOnly") in house.events


FOR_OTHERS = [
    {"Forwarded": "for=203.0.113.7"},
    {"X-Forwarded-For": "203.0.113.7"},
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Host": "voice.example.com"},
    {"Via": "1.1 proxy"},
    {"X-Real-IP": "203.0.113.7"},
    {"CF-Connecting-IP": "203.0.113.7"},
    {"CF-Ray": "1"},
    {"Host": "voice.example.com"},
    {"Host": ""},
    {"Host": "127.0.0.1.example.com"},
    {"Host": "[::1"},
    {"Origin": "https://example.com"},
    {"Origin": "null"},
    {"Origin": "http://" + "a" * 400 + ".localhost"},  # no name is so long
]


@pytest.mark.parametrize("headers", FOR_OTHERS, ids=lambda headers: str(*headers.items()))
async def test_a_local_peer_that_speaks_for_others_is_refused(headers: dict[str, str]) -> None:
    async with a_house() as house:
        answer = await house.http.post("/chat", json=WORDS, headers=headers)

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{"Host": "localhost:8000"}, {"Host": "[::1]:8000"}, {"Origin": "http://localhost:3000"}],
    ids=str,
)
async def test_this_machine_has_many_names(headers: dict[str, str]) -> None:
    async with a_house() as house:
        answer = await house.http.post("/chat", json=WORDS, headers=headers)

    assert answer.status_code == 200


async def test_open_doors_answer_to_everybody_but_metrics_do_not() -> None:
    async with a_house(open=True) as house:
        chat = await house.from_elsewhere().post("/chat", json=WORDS)
        metrics = await house.from_elsewhere().get("/metrics")

    assert (chat.status_code, metrics.status_code) == (200, 403)


async def test_a_secret_that_is_set_is_asked_of_this_machine_too() -> None:
    async with a_house(api_key="k3y", open=True) as house:
        missing = await house.http.post("/chat", json=WORDS)
        wrong = await house.http.post("/chat", json=WORDS, headers={"Authorization": "Bearer k3"})
        umlaut = await house.http.post(
            "/chat", json=WORDS, headers=[(b"authorization", "Bearer schlüssel".encode())]
        )
        right = await house.http.post("/chat", json=WORDS, headers={"Authorization": "Bearer k3y"})

    assert missing.status_code == 401
    assert missing.headers["www-authenticate"] == "Bearer"
    assert (wrong.status_code, umlaut.status_code, right.status_code) == (403, 403, 200)
    assert missing.json()["error"]["message"] == wrong.json()["error"]["message"] == "Not authorised."


async def test_one_doors_secret_does_not_open_another() -> None:
    async with a_house(vapi_secret="s3cret", api_key="k3y", admin_token="t0ken") as house:
        http = house.from_elsewhere()
        shown = {"Authorization": "Bearer s3cret"}
        chat = await http.post("/chat", json=WORDS, headers=shown)
        metrics = await http.get("/metrics", headers=shown)
        webhook = await http.post("/vapi/webhook", json=WORDS, headers={"Authorization": "Bearer k3y"})
        right = await http.get("/metrics", headers={"Authorization": "Bearer t0ken"})

    assert (chat.status_code, metrics.status_code, webhook.status_code) == (403, 403, 403)
    assert right.status_code == 200


async def test_a_vapi_that_is_pointed_at_v1_may_use_its_own_secret() -> None:
    async with a_house(vapi_secret="s3cret") as house:
        http = house.from_elsewhere()
        body = {"messages": [{"role": "user", "content": "Hello."}], "call": {"id": "c1"}}
        right = await http.post("/v1/chat/completions", json=body, headers={"Authorization": "s3cret"})
        wrong = await http.post("/v1/chat/completions", json=body, headers={"Authorization": "other"})

    assert (right.status_code, wrong.status_code) == (200, 403)
