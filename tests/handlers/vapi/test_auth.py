"""Who may call as Vapi: each way in which it can say who it is, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.handlers.house import CALL_ID, House, a_house, a_message, a_request, notes_of
from voice.errors import SetupError
from voice.events import RequestRefused
from voice.settings import load_settings
from voice.store.memory import MemoryStore
from voice.types import Door

PATH = "/vapi/webhook"
CHAT = "/vapi/chat/completions"
KINDS = ("ticket", "status", "transcript")
STAMP = str(int(time.time()))
KEY = "k3y-of-sixteen-characters"
BODY = json.dumps({"message": {"type": "hang", "call": {"id": "c1"}}}, indent=1).encode()


async def ask(house: House, headers: dict[str, str] | None = None, path: str = PATH) -> int:
    """The status that a message from another machine gets."""
    answer = await house.from_elsewhere().post(path, content=BODY, headers=headers)
    return answer.status_code


# A secret in a header


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Vapi-Secret": "new"},
        {"X-Vapi-Secret": "old"},
        {"Authorization": "Bearer new"},
        {"Authorization": "bearer old"},
        {"Authorization": "new"},
        {"vapi-secret": "new"},
        {"X-Line-Key": "new"},
        {"X-Line-Key": "Bearer old"},
    ],
    ids=str,
)
async def test_each_of_several_secrets_opens_the_door_in_each_header(headers: dict[str, str]) -> None:
    async with a_house(vapi_secret="new, old", vapi_header="X-Line-Key") as house:
        assert await ask(house, headers) == 200


@pytest.mark.parametrize(
    ("headers", "status", "came"),
    [
        ({}, 401, ""),
        ({"X-Other": "new"}, 401, ""),
        ({"X-Vapi-Secret": "new, old"}, 403, "x-vapi-secret"),
        ({"X-Vapi-Secret": ""}, 403, "x-vapi-secret"),
        ({"Authorization": "Bearer ne", "X-Line-Key": "x"}, 403, "authorization, x-line-key"),
    ],
    ids=str,
)
async def test_a_refusal_is_told_with_the_headers_that_came_and_nothing_in_them(
    headers: dict[str, str], status: int, came: str
) -> None:
    async with a_house(vapi_secret="new,old", vapi_header="x-line-key") as house:
        assert await ask(house, headers) == status
        refused = [event for event in house.events if isinstance(event, RequestRefused)]
        count = house.brain.metrics.registry.get_sample_value
        counted = [
            count("offhook_strangers_total", {"door": "vapi", "came": name})
            for name in (came or "nothing").split(", ")
        ]

    assert refused == [RequestRefused("vapi", status, "NotAllowed", came)]
    assert set(counted) == {1}


@pytest.mark.parametrize("way", ["vapi_path_key", "vapi_hmac_secret"])
async def test_any_way_that_is_set_closes_the_door_to_this_machine_and_to_all(way: str) -> None:
    async with a_house(open=True, **{way: KEY}) as house:
        assert await ask(house) == 401
        assert (await house.http.post(PATH, content=BODY)).status_code == 401


# A key in the path


async def test_a_key_in_the_path_opens_both_doors() -> None:
    async with a_house(vapi_path_key=f"{KEY}a,{KEY}b") as house:
        assert await ask(house, path=f"/vapi/{KEY}a/webhook") == 200
        assert await ask(house, path=f"/vapi/{KEY}b/webhook/") == 200
        assert await ask(house, path=f"/vapi/{KEY}/webhook") == 401
        assert await ask(house, path=f"/vapi/{KEY}a/chat/completions") == 200
        assert await ask(house, path=f"/{KEY}/chat/completions") == 401


async def test_an_assistant_that_we_describe_comes_in_by_the_path_where_that_is_the_only_way() -> None:
    async with a_house(vapi_path_key=KEY, public_url="https://voice.example.com") as house:
        answer = await house.from_elsewhere().post(
            f"/vapi/{KEY}/webhook", json=a_message("assistant_request")
        )

    assert answer.json()["assistant"]["model"]["url"] == f"https://voice.example.com/vapi/{KEY}"


async def test_v1_as_model_url_takes_the_secret_in_a_header_and_none_of_the_other_ways() -> None:
    body = json.dumps(a_request("My sink leaks.")).encode()
    how = {"vapi_path_key": KEY, "vapi_hmac_secret": "k3y", "vapi_secret": "s3cret"}

    async with a_house(**how) as house:
        http = house.from_elsewhere()
        told = [
            await http.post("/v1/chat/completions", content=body, headers={"Authorization": "Bearer s3cret"}),
            await http.post("/v1/chat/completions", content=body, headers=signed(body=body)),
            await http.post(f"/v1/chat/completions?key={KEY}", content=body),
        ]

    assert [answer.status_code for answer in told] == [200, 403, 403]


# A signature


def signed(stamp: str = "", secret: bytes = b"k3y", body: bytes = BODY) -> dict[str, str]:
    """The headers of Vapi's own defaults."""
    stamp = stamp or str(int(time.time()))
    digest = hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Signature": digest, "X-Timestamp": stamp}


async def test_a_signature_over_time_and_body_opens_the_door_with_each_secret() -> None:
    async with a_house(vapi_hmac_secret="next,k3y") as house:
        assert await ask(house, signed()) == 200
        assert await ask(house, signed(str(int(time.time() * 1000)))) == 200
        assert await ask(house, signed(secret=b"next")) == 200


async def test_a_signature_that_is_wrong_or_out_of_its_time_is_refused() -> None:
    now_s = int(time.time())
    async with a_house(vapi_hmac_secret="k3y") as house:
        assert await ask(house, signed(secret=b"other")) == 403
        assert await ask(house, signed(body=BODY + b" ")) == 403
        assert await ask(house, signed(str(now_s - 600))) == 403
        assert await ask(house, signed(str(now_s + 600))) == 403
        assert await ask(house, signed("nan")) == 403
        assert await ask(house, {**signed(), "X-Timestamp": str(now_s - 5)}) == 403
        assert await ask(house, {"X-Signature": "zz", "X-Timestamp": str(now_s)}) == 403


async def shown(house: House, path: str, found: object, **headers: str) -> httpx.Response:
    """The answer to a signed message from another machine; the same signature for the same message."""
    body = json.dumps(found).encode()
    given = {**signed(STAMP, body=body), **headers}
    return await house.from_elsewhere().post(path, content=body, headers=given)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (CHAT, a_request("My sink leaks.")),
        (PATH, a_request("My sink leaks.")),
        (PATH, {"message": "My sink leaks.", "call_id": "c1"}),
        (PATH, {"message": {"type": "speech-update", "call": {"id": "c1"}}}),
    ],
    ids=["turn", "turn at the webhook", "plain", "noise"],
)
async def test_a_signature_is_good_once_in_all_processes_together(path: str, found: object) -> None:
    store = MemoryStore()

    async with a_house(vapi_hmac_secret="k3y", store=store) as house:
        told = [(await shown(house, path, found)).status_code for _ in range(2)]
    async with a_house(vapi_hmac_secret="k3y", store=store) as another:
        told.append((await shown(another, path, found)).status_code)

    assert told == [200, 403, 403]


@pytest.mark.parametrize(
    "name", ["tool_calls_object", "assistant_request", "status_ringing", "transcript_final"]
)
async def test_a_retry_of_the_same_signed_bytes_gets_the_same_answer_and_has_no_second_effect(
    name: str,
) -> None:
    store, message = MemoryStore(), a_message(name)

    async with a_house(vapi_hmac_secret="k3y", store=store) as house:
        await house.brain.calls.pick_up(CALL_ID, Door.VAPI)
        first, again = [await shown(house, PATH, message) for _ in range(2)]
        kept = [await notes_of(house, kind) for kind in KINDS]
    async with a_house(vapi_hmac_secret="k3y", store=store) as another:
        later = await shown(another, PATH, message)
        kept_later = [await notes_of(another, kind) for kind in KINDS]

    assert [answer.status_code for answer in (first, again, later)] == [200] * 3
    assert first.json() == again.json() == later.json()
    assert kept == kept_later
    assert sum(map(len, kept)) == (0 if name == "assistant_request" else 1)


async def test_a_signed_message_is_refused_at_another_door_and_for_another_call() -> None:
    nobodys = {"message": {"type": "hang"}}

    async with a_house(vapi_hmac_secret="k3y") as house:
        told = [
            await shown(house, PATH, a_message("tool_calls_object")),
            await shown(house, CHAT, a_message("tool_calls_object")),
            await shown(house, PATH, nobodys, **{"X-Call-Id": "c1"}),
            await shown(house, PATH, nobodys, **{"X-Call-Id": "c2"}),
        ]

    assert [answer.status_code for answer in told] == [200, 403, 200, 403]


async def test_githubs_way_of_signing_is_a_matter_of_settings() -> None:
    digest = hmac.new(b"k3y", BODY, hashlib.sha256).hexdigest()
    how = {
        "vapi_hmac_header": "x-vapi-signature",
        "vapi_hmac_prefix": "sha256=",
        "vapi_hmac_format": "{body}",
    }

    async with a_house(vapi_hmac_secret="k3y", **how) as house:
        assert await ask(house, {"X-Vapi-Signature": f"sha256={digest}"}) == 200
        # Without a time a retry looks the same as a replay; it is taken, and has its effect once.
        assert await ask(house, {"X-Vapi-Signature": f"sha256={digest}"}) == 200
        assert await ask(house, {"X-Vapi-Signature": f"sha256={digest[:-1]}0"}) == 403


async def test_svixs_way_of_signing_is_one_too_with_several_signatures_in_a_header() -> None:
    key, stamp = b"a key of bytes \x00\xff", str(int(time.time()))
    digest = base64.b64encode(hmac.digest(key, f"m1.{stamp}.".encode() + BODY, "sha512")).decode()
    how: dict[str, object] = {
        "vapi_hmac_secret": f"whsec_{base64.b64encode(key).decode()}",
        "vapi_hmac_base64": True,
        "vapi_hmac_algorithm": "sha512",
        "vapi_hmac_encoding": "base64",
        "vapi_hmac_prefix": "v1,",
        "vapi_hmac_header": "svix-signature",
        "vapi_hmac_timestamp_header": "svix-timestamp",
        "vapi_hmac_format": "{svix-id}.{timestamp}.{body}",
    }
    headers = {"svix-id": "m1", "svix-timestamp": stamp, "svix-signature": f"v1,AAAA v1,{digest}"}

    async with a_house(**how) as house:
        assert await ask(house, {**headers, "svix-id": "m2"}) == 403
        assert await ask(house, headers) == 200


async def test_method_and_url_may_be_signed() -> None:
    signed_text = b"POST https://voice.example.com/vapi/webhook " + BODY
    digest = hmac.new(b"k3y", signed_text, hashlib.sha1).hexdigest()
    how = {"vapi_hmac_format": "{method} {url} {body}", "vapi_hmac_algorithm": "sha1"}

    async with a_house(vapi_hmac_secret="k3y", public_url="https://voice.example.com", **how) as house:
        assert await ask(house, {"X-Signature": digest}) == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"vapi_hmac_secret": "k3y", "vapi_hmac_format": "{timestamp}"},
        {"vapi_jwks": "keys.json"},
        {"vapi_hmac_window_s": "43201"},  # claims are kept for a day: twice this window
        {"vapi_path_key": "completions"},
    ],
    ids=str,
)
def test_a_way_that_lets_others_in_is_no_setting(wrong: dict[str, str]) -> None:
    with pytest.raises(SetupError, match="OFFHOOK_VAPI_"):
        load_settings(Path("/nonexistent"), **wrong)


# A token


def a_key(kid: str) -> tuple[Any, dict[str, Any]]:
    """A private key, and its public half as a key set has it."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    return private, {**public, "kid": kid, "use": "sig"}


def a_token(private: Any, kid: str, **claims: object) -> dict[str, str]:
    told = {"iss": "https://id.example.com", "aud": "offhook", "exp": time.time() + 60, **claims}
    token = jwt.encode(told, private, "RS256", headers={"kid": kid})
    return {"Authorization": f"Bearer {token}"}


async def test_a_token_of_the_issuer_opens_the_door_and_others_do_not(tmp_path: Path) -> None:
    (mine, public), (theirs, _) = a_key("one"), a_key("one")
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"keys": [public, {"kty": "oct", "k": "AAAA", "kid": "hs"}]}))
    how = {"vapi_jwks": str(keys), "vapi_issuer": "https://id.example.com", "vapi_audience": "offhook"}
    unsigned = jwt.encode({"aud": "offhook", "exp": 9e9}, None, "none", headers={"kid": "one"})
    shared = jwt.encode({"aud": "offhook", "exp": 9e9}, b"\x00" * 32, "HS256", headers={"kid": "hs"})

    async with a_house(**how) as house:
        assert await ask(house, a_token(mine, "one")) == 200
        assert await ask(house, a_token(mine, "one", exp=time.time() - 90)) == 403
        assert await ask(house, a_token(mine, "one", aud="another")) == 403
        assert await ask(house, a_token(mine, "one", iss="https://other.example.com")) == 403
        assert await ask(house, a_token(theirs, "one")) == 403
        assert await ask(house, {"Authorization": f"Bearer {unsigned}"}) == 403
        assert await ask(house, {"Authorization": f"Bearer {shared}"}) == 403
        assert await ask(house, {"Authorization": "Bearer a.b.c"}) == 403
        assert await ask(house) == 401
