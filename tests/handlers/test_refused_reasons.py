"""Why somebody was not let in, as an operator reads it at /admin/refused: what came, and what to set."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.handlers.house import House, a_house, a_message, a_request

KEY = "k3y-of-sixteen-characters"
BODY = json.dumps(a_message("status_ringing")).encode()
WEBHOOK, CHAT = "/vapi/webhook", "/vapi/chat/completions"
GUARDS: dict[str, dict[str, object]] = {
    "nothing": {},
    "secret": {"vapi_secret": "s3cret", "vapi_header": "X-Line-Key"},
    "path": {"vapi_path_key": KEY},
    "signature": {"vapi_hmac_secret": "k3y", "vapi_hmac_prefix": "v1,"},
    "both": {"vapi_hmac_secret": "k3y", "api_key": "a9i"},
    "doors": {"admin_token": "t0ken", "api_key": "a9i"},
}


async def told(house: House) -> dict[str, Any]:
    """The newest refusal. Whoever reads it is on this machine, or has the token."""
    found = await house.http.get("/admin/refused", headers={"Authorization": "Bearer t0ken"})
    newest: dict[str, Any] = found.json()["refused"][0]
    return newest


def signed(stamp: float | str, secret: bytes = b"k3y", prefix: str = "v1,") -> dict[str, str]:
    given = f"{stamp:.0f}" if isinstance(stamp, float) else stamp
    digest = hmac.new(secret, given.encode() + b"." + BODY, hashlib.sha256).hexdigest()
    return {"X-Signature": prefix + digest, "X-Timestamp": given}


# What is set here, the path, the headers that come, the status, and words of the reason and of what to do.
REFUSED: list[tuple[str, str, dict[str, str], int, str, str]] = [
    ("nothing", WEBHOOK, {}, 403, "VAPI_SECRET is not set, so only this machine", "Set VAPI_SECRET"),
    ("nothing", WEBHOOK, {}, 403, "the request came from another machine", "OFFHOOK_OPEN=1"),
    ("nothing", "/chat", {}, 403, "OFFHOOK_API_KEY is not set", "Set OFFHOOK_API_KEY"),
    ("nothing", "/admin/calls", {}, 403, "OFFHOOK_ADMIN_TOKEN is not set", "Set OFFHOOK_ADMIN_TOKEN."),
    ("nothing", "/metrics", {}, 403, "OFFHOOK_ADMIN_TOKEN is not set", "Set OFFHOOK_ADMIN_TOKEN."),
    ("doors", "/admin/calls", {}, 401, "No secret came.", "OFFHOOK_ADMIN_TOKEN"),
    ("doors", "/admin/calls", {"Authorization": "guess"}, 403, "in authorization", "OFFHOOK_ADMIN_TOKEN"),
    ("doors", "/chat", {"X-Api-Key": "guess"}, 403, "came in x-api-key", "OFFHOOK_API_KEY"),
    ("secret", WEBHOOK, {}, 401, "No secret, signature or key came.", "VAPI_SECRET holds (in X-Vapi-Secret"),
    ("secret", WEBHOOK, {"X-Vapi-Secret": "guess"}, 403, "A wrong secret came in x-vapi", "x-line-key"),
    ("secret", WEBHOOK, {"X-Vapi-Signature": "guess"}, 401, "x-vapi-signature is not", "VAPI_SECRET"),
    ("path", f"/vapi/{KEY}x/webhook", {}, 401, "A wrong key came in the path.", "OFFHOOK_VAPI_PATH_KEY"),
    ("path", WEBHOOK, {}, 401, "No secret, signature or key came.", "OFFHOOK_VAPI_PATH_KEY"),
    ("signature", WEBHOOK, {}, 401, "No secret, signature or key came.", "OFFHOOK_VAPI_HMAC_SECRET"),
    ("signature", CHAT, {}, 401, "No secret, signature or key came.", "Vapi signs nothing that it sends"),
    ("secret", CHAT, {}, 401, "No secret, signature or key came.", "VAPI_SECRET holds (in X-Vapi-Secret"),
    ("both", CHAT, {}, 401, "No secret, signature or key came.", "what OFFHOOK_API_KEY holds"),
    ("signature", WEBHOOK, signed(""), 403, "No time came in x-timestamp", "HEADER"),
    ("signature", WEBHOOK, signed("noon"), 403, "The time in x-timestamp is no number", "TIMESTAMP_HEADER"),
    ("signature", WEBHOOK, signed("inf"), 403, "The time in x-timestamp is no number", "TIMESTAMP_HEADER"),
]  # fmt: skip


@pytest.mark.parametrize(("guard", "path", "headers", "status", "reason", "to_do"), REFUSED)
async def test_an_operator_reads_what_came_and_what_to_set(
    guard: str, path: str, headers: dict[str, str], status: int, reason: str, to_do: str
) -> None:
    async with a_house(**GUARDS[guard]) as house:
        http = house.from_elsewhere()
        is_get = path in ("/admin/calls", "/metrics")
        answer = await (
            http.get(path, headers=headers) if is_get else http.post(path, content=BODY, headers=headers)
        )
        found = await told(house)

    assert (answer.status_code, found["status"]) == (status, status)
    assert reason in found["reason"]
    assert to_do in found["to_do"]
    assert "OFFHOOK_OPEN" not in found["to_do"] or found["door"] not in ("admin", "metrics")
    assert "guess" not in json.dumps(found)
    assert reason not in answer.text  # the outside learns nothing of it


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"X-Forwarded-For": "203.0.113.9"}, "the header x-forwarded-for says"),
        ({"Host": "voice.example.com"}, "its Host is another machine's name"),
        ({"Origin": "https://page.example.com"}, "a web page of another origin sent it"),
    ],
    ids=str,
)
async def test_what_makes_a_request_of_this_machine_a_strangers_is_named(
    header: dict[str, str], reason: str
) -> None:
    async with a_house() as house:
        await house.http.post("/chat", json={"message": "Hello."}, headers=header)
        found = await told(house)

    assert reason in found["reason"]


@pytest.mark.parametrize(
    ("headers", "reason", "to_do"),
    [
        (signed(time.time(), b"other"), "does not match", "sha256 over {timestamp}.{body}"),
        (signed(time.time(), prefix="v2,"), "is not hex behind its prefix", "OFFHOOK_VAPI_HMAC_PREFIX"),
        (signed(time.time() - 9000), "s behind ours; 300 s may be", "OFFHOOK_VAPI_HMAC_WINDOW_S"),
        (signed(time.time() + 9000), "s ahead of ours; 300 s may be", "clock"),
    ],
    ids=["mismatch", "unreadable", "behind", "ahead"],
)
async def test_a_signature_that_does_not_open_says_in_which_way(
    headers: dict[str, str], reason: str, to_do: str
) -> None:
    async with a_house(**GUARDS["signature"]) as house:
        await house.from_elsewhere().post(WEBHOOK, content=BODY, headers=headers)
        found = await told(house)

    assert (found["status"], found["shown"]) == (403, ["x-signature", "x-timestamp"])
    assert reason in found["reason"]
    assert to_do in found["to_do"]
    assert headers["X-Signature"][3:] not in json.dumps(found)


async def test_a_replayed_turn_is_called_a_replay() -> None:
    body = json.dumps(a_request("My sink leaks.")).encode()
    stamp = f"{time.time():.0f}"
    digest = hmac.new(b"k3y", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {"X-Signature": f"v1,{digest}", "X-Timestamp": stamp}

    async with a_house(**GUARDS["signature"]) as house:
        http = house.from_elsewhere()
        for _ in range(2):
            answer = await http.post("/vapi/chat/completions", content=body, headers=headers)
        found = await told(house)

    assert answer.status_code == 403
    assert "has come before: a replay" in found["reason"]


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": 1.0}, "The token has expired."),
        ({"aud": "another"}, "The token is for somebody else."),
        ({"kid": "two"}, "The token's key is not in the key set."),
    ],
    ids=str,
)
async def test_a_token_that_does_not_open_says_why(
    tmp_path: Any, claims: dict[str, Any], reason: str
) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key(), as_dict=True) | {"kid": "one"}
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [public]}))
    kid = claims.get("kid", "one")
    token = jwt.encode(
        {"aud": "us", "exp": time.time() + 60, **claims}, private, "RS256", headers={"kid": kid}
    )

    async with a_house(vapi_jwks=str(tmp_path / "keys.json"), vapi_audience="us") as house:
        answer: httpx.Response = await house.from_elsewhere().post(
            WEBHOOK, content=BODY, headers={"Authorization": f"Bearer {token}"}
        )
        found = await told(house)

    assert answer.status_code == 403
    assert found["reason"] == reason
    assert found["to_do"]
    assert token not in json.dumps(found)


async def test_the_log_has_the_reason_of_a_guard_and_never_a_senders_own_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with a_house(vapi_secret="s3cret") as house:
        await house.http.post(WEBHOOK, content=BODY)
        await house.http.post("/chat", json={"message": "Hello.", "agent": "my-own-words"})

    told = [vars(line) for line in caplog.records if line.msg == "request.refused"]
    assert [line.get("reason") for line in told] == ["No secret, signature or key came.", None]
    assert "VAPI_SECRET" in told[0]["to_do"]
    assert "my-own-words" not in str(told)
