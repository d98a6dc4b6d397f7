"""Who may sign: one of the account's tokens, or the shared key that a header names; and over what."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from starlette.datastructures import QueryParams
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # it ships no types

from handlers.twilio.signing import HASHES, Address, Algorithm, is_signed, sign, tail
from tests.handlers.twilio.test_signature import TOKEN, a_guard, show
from voice.simulate.twilio.http import signature

PUBLIC = "https://voice.example.com"
URL = f"{PUBLIC}/v"
FORM = [("CallSid", "CA1"), ("From", "+12025550123"), ("Blank", "")]
KEY_ID, KEY = "webhooks_sharedkey_01", "s3cr3t:with:colons"
NAMED = f"key={KEY_ID},algorithm=HMAC_SHA256"


def by_key(key: str = KEY, algorithm: Algorithm = "HMAC_SHA256") -> str:
    return sign(key, URL + tail(FORM), algorithm)


@pytest.mark.parametrize(
    ("header", "signed", "passes"),
    [
        (NAMED, by_key(), True),
        (f"algorithm=HMAC_SHA256 , key={KEY_ID}", by_key(), True),
        (f"key={KEY_ID},algorithm=HMAC_SHA1", by_key(algorithm="HMAC_SHA1"), True),
        ("", signature(TOKEN, URL, FORM), True),
        (f"key={KEY_ID}", signature(TOKEN, URL, FORM), True),  # no algorithm: the account's token, as before
        (NAMED, by_key("another secret"), False),
        (NAMED, by_key(TOKEN), False),
        (NAMED, signature(TOKEN, URL, FORM), False),
        (NAMED, by_key(algorithm="HMAC_SHA1"), False),
        ("key=unknown,algorithm=HMAC_SHA256", by_key(), False),
        ("algorithm=HMAC_SHA256", by_key(), False),
        (f"key={KEY_ID},algorithm=HMAC_MD5", by_key(), False),
        (f"key={KEY_ID},algorithm=none", "", False),
        ("", by_key(), False),
    ],
)
async def test_a_shared_key_signs_where_a_header_names_it(header: str, signed: str, passes: bool) -> None:
    both = {"twilio_shared_keys": f"other:x, {KEY_ID}:{KEY}", "public_url": PUBLIC}
    async with a_guard(**both) as http:
        named = {"X-Twilio-Webhooks-Signature-Settings": header} if header else {}
        answer = await show(http, "/v", urlencode(FORM), signed, **named)

    assert answer.status_code == (200 if passes else 403)


async def test_shared_keys_alone_guard_the_door() -> None:
    async with a_guard(
        public_url=PUBLIC, twilio_auth_token=None, twilio_shared_keys=f"{KEY_ID}:{KEY}"
    ) as http:
        named = {"X-Twilio-Webhooks-Signature-Settings": NAMED}
        good = await show(http, "/v", urlencode(FORM), by_key(), **named)
        nameless = await show(http, "/v", urlencode(FORM), by_key())
        empty = await show(http, "/v", urlencode(FORM), sign("", URL + tail(FORM)))

    assert (good.status_code, nameless.status_code, empty.status_code) == (200, 403, 403)


async def test_during_a_rotation_both_tokens_count() -> None:
    async with a_guard(public_url=PUBLIC, twilio_auth_token="old, new") as http:
        answers = [
            await show(http, "/v", urlencode(FORM), signature(token, URL, FORM))
            for token in ("old", "new", "old, new", "older")
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 403, 403]


async def test_a_json_body_counts_by_the_hash_that_is_signed_with_the_url() -> None:
    body = json.dumps({"CallSid": "CA1", "Parts": [1, 2], "Note": "ü"}).encode()
    digest = hashlib.sha256(body).hexdigest()
    target, kind = f"/v?bodySHA256={digest}", {"Content-Type": "application/json; charset=utf-8"}
    signed = signature(TOKEN, PUBLIC + target, [])
    async with a_guard(public_url=PUBLIC) as http:
        good = await show(http, target, body.decode(), signed, **kind)
        other_body = await show(http, target, body.decode() + " ", signed, **kind)
        no_hash = await show(http, "/v", body.decode(), signature(TOKEN, URL, []), **kind)
        two = f"{target}&bodySHA256={'0' * 64}"
        two_hashes = await show(http, two, body.decode(), signature(TOKEN, PUBLIC + two, []), **kind)
        no_json = f"/v?bodySHA256={hashlib.sha256(b'[1').hexdigest()}"
        broken = await show(http, no_json, "[1", signature(TOKEN, PUBLIC + no_json, []), **kind)

    assert good.json() == [["CallSid", "CA1"], ["Note", "ü"]]
    assert other_body.status_code == no_hash.status_code == two_hashes.status_code == 403
    assert broken.status_code == 400


async def test_a_forwarded_scheme_counts_from_a_listed_proxy_only() -> None:
    signed = signature(TOKEN, "https://voice.example.com/v", FORM)
    headers = {"Host": "voice.example.com", "X-Forwarded-Proto": "https"}
    async with a_guard(trusted_proxies="127.0.0.1") as behind, a_guard() as bare:
        trusted = await show(behind, "/v", urlencode(FORM), signed, **headers)
        anybody = await show(bare, "/v", urlencode(FORM), signed, **headers)
        odd = await show(behind, "/v", urlencode(FORM), signed, **{**headers, "X-Forwarded-Proto": "gopher"})

    assert (trusted.status_code, anybody.status_code, odd.status_code) == (200, 403, 403)


urls = some.builds(
    lambda scheme, host, port, target: f"{scheme}://{host}{port}{target}",
    some.sampled_from(["https", "http"]),
    some.sampled_from(["a.example", "voice.example.com", "10.0.0.9", "xn--bcher-kva.example"]),
    some.sampled_from(["", ":8443", ":443", ":80"]),
    some.sampled_from(["/", "/v", "/v/", "/v?x=1&y=%20&z", "/%C3%A9?a=b=c"]),
)
forms = some.lists(some.tuples(some.text(), some.text()), max_size=8)


@settings(deadline=None)
@given(url=urls, form=forms, token=some.text(min_size=1), algorithm=some.sampled_from([*HASHES]))
def test_twilios_own_library_agrees_with_every_signature(
    url: str, form: list[tuple[str, str]], token: str, algorithm: Algorithm
) -> None:
    scheme, _, rest = url.partition("://")
    host, _, _ = rest.partition("/")
    address = Address(scheme, host, rest.removeprefix(host))
    theirs = RequestValidator(token)
    params = QueryParams(form)

    texts = [f"{one}{tail(form)}" for one in address.with_and_without_port()]
    made = theirs.compute_signature(url, params, algorithm)

    assert sign(token, url + tail(form), algorithm) == made
    assert is_signed(made, [token], texts, algorithm)
    assert theirs.validate(url, params, sign(token, texts[1], algorithm), algorithm)
    assert not is_signed(made, [token + "x"], texts, algorithm)


@settings(deadline=None, max_examples=200)
@given(data=some.data())
def test_one_changed_character_anywhere_is_refused(data: some.DataObject) -> None:
    text = URL + tail(FORM)
    signed = sign(TOKEN, text)
    which = data.draw(some.sampled_from(["text", "signature", "key"]))
    whole = {"text": text, "signature": signed, "key": TOKEN}[which]
    place = data.draw(some.integers(0, len(whole) - 1))
    other = data.draw(some.characters(exclude_categories=["Cs"]).filter(lambda one: one != whole[place]))
    changed = {"text": text, "signature": signed, "key": TOKEN} | {
        which: whole[:place] + other + whole[place + 1 :]
    }

    assert is_signed(signed, [TOKEN], [text], "HMAC_SHA1")
    assert not is_signed(changed["signature"], [changed["key"]], [changed["text"]], "HMAC_SHA1")


@settings(deadline=None, max_examples=60)
@given(data=some.data())
async def test_one_changed_byte_of_a_json_body_is_refused(data: some.DataObject) -> None:
    body = json.dumps({"CallSid": "CA1", "Note": "My sink leaks."}).encode()
    target = f"/v?bodySHA256={hashlib.sha256(body).hexdigest()}"
    place, other = data.draw(some.integers(0, len(body) - 1)), data.draw(some.integers(0, 255))
    changed = body[:place] + bytes([other]) + body[place + 1 :]
    headers = {
        "Content-Type": "application/json",
        "X-Twilio-Signature": signature(TOKEN, PUBLIC + target, []),
    }
    async with a_guard(public_url=PUBLIC) as http:
        answer = await http.post(target, content=changed, headers=headers)

    assert answer.status_code == (200 if changed == body else 403)
