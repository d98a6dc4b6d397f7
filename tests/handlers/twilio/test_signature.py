"""Whoever is not Twilio is refused; whatever is posted is answered with TwiML, never with an error."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from starlette.applications import Starlette
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # it ships no types

from handlers.twilio.signature import signed_fields
from handlers.twilio.unsigned import Unsigned
from tests.conftest import VirtualTime
from tests.handlers.twilio_door import BASE, a_door, message, read
from voice.errors import BadRequest, NotAllowed
from voice.models.scripted import ScriptedClient
from voice.settings import load_settings
from voice.simulate.twilio.http import signature
from voice.simulate.twiml import read_twiml

TOKEN = "12345"
GOOD = [  # the vector in the tests of Twilio's own libraries
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]
GOOD_TARGET = "/myapp.php?foo=1&bar=2"
GOOD_SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@asynccontextmanager
async def a_guard(base: str = "http://10.0.0.9:8080", **changes: object) -> AsyncIterator[httpx.AsyncClient]:
    """A door that tells which fields it was shown, behind a proxy that terminates TLS."""

    async def fields(request: Request) -> JSONResponse:
        try:
            return JSONResponse((await signed_fields(request)).multi_items())
        except BadRequest as exc:
            return JSONResponse(None, 403 if isinstance(exc, NotAllowed) else 400)

    app = Starlette(routes=[Route("/{path:path}", fields, methods=["GET", "POST"])])
    app.state.settings = load_settings(Path("/nonexistent"), **{"twilio_auth_token": TOKEN, **changes})
    app.state.unsigned = Unsigned()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=base) as http:
        yield http


async def show(
    http: httpx.AsyncClient, target: str, body: str, signed: str, **headers: str
) -> httpx.Response:
    kinds = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signed}
    return await http.post(target, content=body, headers={**kinds, **headers})


async def test_twilios_own_vector_passes_behind_a_proxy() -> None:
    async with a_guard(public_url="https://mycompany.com") as http:
        good = await show(http, GOOD_TARGET, urlencode(GOOD), GOOD_SIGNATURE)
        without = await http.post(GOOD_TARGET, content=urlencode(GOOD))
        wrong = await show(http, GOOD_TARGET, urlencode(GOOD), GOOD_SIGNATURE[:-2] + "9=")

    assert good.json() == [list(pair) for pair in GOOD]
    assert without.status_code == wrong.status_code == 403


@pytest.mark.parametrize(
    ("public", "signed_as"),
    [
        ("https://mycompany.com", "https://mycompany.com:443"),
        ("https://mycompany.com:8443", "https://mycompany.com:8443"),
        ("https://mycompany.com:8443", "https://mycompany.com"),
        ("http://mycompany.com", "http://mycompany.com:80"),
        ("https://user:secret@mycompany.com", "https://mycompany.com"),
        ("https://mycompany.com/voice/", "https://mycompany.com/voice"),
        (None, "http://10.0.0.9:8080"),
    ],
)
async def test_the_url_is_tried_with_and_without_its_port(public: str | None, signed_as: str) -> None:
    async with a_guard(public_url=public) as http:
        answer = await show(
            http, GOOD_TARGET, urlencode(GOOD), signature(TOKEN, signed_as + GOOD_TARGET, GOOD)
        )

    assert answer.status_code == 200


@pytest.mark.parametrize("target", ["/a%20b/c?x=%7e&y=a+b&z=", "/a?%C3%A4=%2F&x=1&x=1", "/t%C3%A9l?a=1;b=2"])
async def test_the_url_counts_as_it_was_written(target: str) -> None:
    async with a_guard(public_url="https://mycompany.com") as http:
        written = httpx.URL("http://x" + target).raw_path.decode()
        answer = await show(
            http, target, "A=1", signature(TOKEN, "https://mycompany.com" + written, [("A", "1")])
        )

    assert answer.status_code == 200


async def test_blanks_duplicates_and_spaces_count() -> None:
    fields = [
        ("Blank", ""),
        ("CallSid", "CA1"),
        ("SpeechResult", " hi "),
        ("X", "b"),
        ("X", "a"),
        ("X", "b"),
        ("é", "ü"),
    ]
    async with a_guard(public_url="https://mycompany.com") as http:
        answer = await show(
            http, "/v", urlencode(fields), signature(TOKEN, "https://mycompany.com/v", fields)
        )

    assert [tuple(pair) for pair in answer.json()] == fields


async def test_a_get_is_signed_with_its_query() -> None:
    async with a_guard(public_url="https://mycompany.com") as http:
        url = "https://mycompany.com/v?CallSid=CA1&turn=2"
        headers = {"X-Twilio-Signature": signature(TOKEN, url, [])}
        good = await http.get("/v?CallSid=CA1&turn=2", headers=headers)
        moved = await http.get("/v?CallSid=CA1&turn=3", headers=headers)
        posted = await http.post("/v?CallSid=CA1&turn=2", content="CallSid=CA2", headers=headers)

    assert good.json() == [["CallSid", "CA1"], ["turn", "2"]]
    assert moved.status_code == posted.status_code == 403


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
async def test_a_body_of_another_type_is_not_waved_through(kind: str) -> None:
    async with a_guard(public_url="https://mycompany.com") as http:
        signed = signature(TOKEN, "https://mycompany.com/v", [])
        answer = await show(http, "/v", "CallSid=CA666", signed, **{"Content-Type": kind})

    assert answer.status_code == 403


@pytest.mark.parametrize("host", ["[", "a:999999", "a:b", "", "[::1]:8000", "user:pw@x:1"])
async def test_a_host_that_is_no_host_is_refused_and_breaks_nothing(host: str) -> None:
    async with a_guard() as http:
        answer = await show(http, "/v", "A=1", "c2lnbmF0dXJl", Host=host)

    assert answer.status_code == 403


async def test_a_foreign_account_is_refused_though_its_signature_is_right() -> None:
    ours = "AC" + "1" * 32
    async with a_guard(public_url="https://mycompany.com", twilio_account_sid=ours) as http:
        answers = [
            await show(http, "/v", urlencode(fields), signature(TOKEN, "https://mycompany.com/v", fields))
            for fields in (
                [("AccountSid", ours)],
                [("AccountSid", "AC" + "2" * 32)],
                [("AccountSid", ours), ("AccountSid", "AC" + "2" * 32)],
                [("AccountSid", f"Ä{ours[1:]}")],
                [("CallSid", "CA1")],
            )
        ]

    assert [answer.status_code for answer in answers] == [200, 403, 403, 403, 200]


async def test_the_refusal_is_twiml_without_a_hint(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token=TOKEN) as door:
        missing = await door.http.post("/twilio/voice", data=message("voice"))
        wrong = await door.post("/twilio/gather", message("gather"), {"X-Twilio-Signature": "wrong"})
        good = await door.post("/twilio/voice?agent=jamie", message("voice"))

    assert missing.status_code == wrong.status_code == 403
    assert read_twiml(missing.headers["content-type"], missing.content) == []
    assert missing.text == wrong.text == "<Response/>"
    assert "Jamie" in read(good).words


async def test_without_a_token_the_doors_answer_to_this_machine_only(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        here = await door.post("/twilio/voice", message("voice"))
        tunnelled = await door.post("/twilio/voice", message("voice"), {"X-Forwarded-For": "1.2.3.4"})
    async with a_door(ScriptedClient(), peer="203.0.113.7") as door:
        there = await door.post("/twilio/voice", message("voice"))
        told = await door.post("/twilio/status", message("status"))
    async with a_door(ScriptedClient(), peer="203.0.113.7", open=True) as door:
        opened = await door.post("/twilio/voice", message("voice"))

    assert here.status_code == opened.status_code == 200
    assert tunnelled.status_code == there.status_code == told.status_code == 403


@given(
    url=some.sampled_from(
        ["https://a.example/v", "https://a.example/v?x=1&y=%20", "http://a.example:8080/é"]
    ),
    fields=some.lists(some.tuples(some.text(), some.text())),
    token=some.text(min_size=1),
)
def test_the_simulator_signs_as_twilios_library_does(
    url: str, fields: list[tuple[str, str]], token: str
) -> None:
    assert RequestValidator(token).validate(url, QueryParams(fields), signature(token, url, fields))


FORM = [*message("gather").items()]
names = some.sampled_from([name for name, _ in FORM]) | some.text()
mutations = some.one_of(
    some.tuples(some.just("change"), names, some.text()),
    some.tuples(some.just("add"), names, some.text()),
    some.tuples(some.just("drop"), names, some.just("")),
    some.tuples(some.just("url"), some.sampled_from(["turn=2", "turn=1&agent=kim", ""]), some.just("")),
    some.tuples(some.just("signature"), some.text(max_size=40), some.just("")),
)


def mutated(kind: str, name: str, value: str) -> tuple[str, list[tuple[str, str]]]:
    """The URL's query and the form after one change."""
    match kind:
        case "change":
            return "turn=1", [(key, value if key == name else old) for key, old in FORM]
        case "add":
            return "turn=1", [*FORM, (name, value)]
        case "drop":
            return "turn=1", [(key, old) for key, old in FORM if key != name]
        case "url":
            return name, FORM
        case _:
            return "turn=1", FORM


def meaning(query: str, form: list[tuple[str, str]]) -> str:
    """What the signature is made over."""
    return query + "".join(name + value for name, value in sorted(set(form)))


@settings(deadline=None, max_examples=60)
@given(mutation=mutations)
async def test_any_change_to_a_signed_request_is_refused(mutation: tuple[str, str, str]) -> None:
    kind, name, value = mutation
    query, form = mutated(kind, name, value)
    signed = signature(TOKEN, f"{BASE}/twilio/gather?turn=1", FORM)
    sent = name.encode() if kind == "signature" else signed.encode()
    is_same = meaning(query, form) == meaning("turn=1", FORM) and sent == signed.encode()
    async with a_door(ScriptedClient(), twilio_auth_token=TOKEN) as door:
        answer = await door.http.post(
            f"/twilio/gather?{query}",
            content=urlencode(form, errors="surrogatepass"),
            headers=[(b"X-Twilio-Signature", sent), (b"Content-Type", b"application/x-www-form-urlencoded")],
        )

    assert answer.status_code == (200 if is_same else 403)
    read_twiml(answer.headers["content-type"], answer.content)


@settings(deadline=None, max_examples=60)
@given(
    path=some.sampled_from(["/twilio/voice", "/twilio/gather"]),
    query=some.text(max_size=40)
    | some.sampled_from(["turn=1&from=0", "turn=0&from=9&missed=1", "agent=%00"]),
    form=some.lists(some.tuples(names, some.text()), max_size=6) | some.just(FORM),
    raw=some.none() | some.binary(max_size=80),
)
async def test_whatever_is_posted_is_answered_with_twiml_that_speaks_or_listens(
    path: str, query: str, form: list[tuple[str, str]], raw: bytes | None
) -> None:
    async with a_door(ScriptedClient(reply="Fine.")) as door:
        content = urlencode(form, errors="surrogatepass").encode() if raw is None else raw
        answer = await door.http.post(path, params=httpx.QueryParams(query), content=content)

    document = read(answer)
    assert document.words or document.gather is not None
