"""Whoever opens a socket must be Twilio: signed as `wss`, whatever proxy stands before us."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.websockets import WebSocket
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # it ships no types

from handlers.twilio.signature import check_upgrade
from handlers.twilio.unsigned import Unsigned
from voice.errors import NotAllowed
from voice.settings import load_settings
from voice.simulate.twilio.http import signature

TOKEN = "12345"
PATH = "/twilio/relay/t1cket"
PUBLIC = "https://voice.example.com"


def an_upgrade(
    signed: str | None,
    *,
    host: str = "10.0.0.9:8080",
    peer: str = "10.0.0.9",
    headers: tuple[tuple[str, str], ...] = (),
    **settings: object,
) -> WebSocket:
    """A socket that somebody asks us to open, seen from behind a proxy that terminates TLS."""
    app = Starlette()
    app.state.settings = load_settings(Path("/nonexistent"), **{"twilio_auth_token": TOKEN, **settings})
    app.state.unsigned = Unsigned()
    shown = (("host", host), *headers, *((("x-twilio-signature", signed),) if signed is not None else ()))
    scope = {
        "type": "websocket",
        "scheme": "ws",
        "path": PATH,
        "raw_path": PATH.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in shown],
        "client": (peer, 40000),
        "app": app,
    }
    return WebSocket(scope, receive=None, send=None)  # type: ignore[arg-type]  # nothing is received or sent


@pytest.mark.parametrize(
    "signed_as",
    [
        f"wss://voice.example.com{PATH}",
        f"wss://voice.example.com:443{PATH}",
        f"wss://voice.example.com{PATH}/",
        f"wss://voice.example.com:443{PATH}/",
    ],
)
async def test_a_socket_signed_as_wss_is_let_in(signed_as: str) -> None:
    check_upgrade(an_upgrade(signature(TOKEN, signed_as, []), public_url=PUBLIC))
    check_upgrade(an_upgrade(RequestValidator(TOKEN).compute_signature(signed_as, {}), public_url=PUBLIC))


@pytest.mark.parametrize(
    "signed_as",
    [
        f"https://voice.example.com{PATH}",
        f"ws://voice.example.com{PATH}",
        f"wss://voice.example.com{PATH}x",
        f"wss://voice.example.com:80{PATH}",
        f"wss://other.example.com{PATH}",
        f"wss://voice.example.com{PATH}?a=1",
    ],
)
async def test_a_socket_signed_for_another_url_is_refused(signed_as: str) -> None:
    with pytest.raises(NotAllowed):
        check_upgrade(an_upgrade(signature(TOKEN, signed_as, []), public_url=PUBLIC))


@pytest.mark.parametrize("signed", [None, "", "no signature", "ÿ", "=" * 5000])
async def test_a_socket_without_a_signature_is_refused(signed: str | None) -> None:
    with pytest.raises(NotAllowed) as refused:
        check_upgrade(an_upgrade(signed, public_url=PUBLIC))

    assert refused.value.reason


async def test_the_prefix_of_the_public_url_is_signed_too() -> None:
    signed = signature(TOKEN, f"wss://example.com/voice{PATH}", [])

    check_upgrade(an_upgrade(signed, public_url="https://example.com/voice"))
    with pytest.raises(NotAllowed):
        check_upgrade(an_upgrade(signed, public_url="https://example.com"))


async def test_a_forwarded_host_counts_from_a_listed_proxy_only() -> None:
    signed = signature(TOKEN, f"wss://voice.example.com{PATH}", [])
    forwarded = (("x-forwarded-host", "voice.example.com"), ("x-forwarded-proto", "https, http"))

    check_upgrade(an_upgrade(signed, headers=forwarded, trusted_proxies="10.0.0.0/8"))
    check_upgrade(an_upgrade(signed, headers=forwarded, peer="::ffff:10.0.0.9", trusted_proxies="10.0.0.9"))
    for peer in ("203.0.113.7", "no address", "::1"):
        with pytest.raises(NotAllowed):
            check_upgrade(an_upgrade(signed, headers=forwarded, peer=peer, trusted_proxies="10.0.0.0/8"))


async def test_without_a_token_only_this_machine_opens_a_socket() -> None:
    check_upgrade(an_upgrade(None, host="127.0.0.1:8000", peer="127.0.0.1", twilio_auth_token=None))
    check_upgrade(an_upgrade(None, twilio_auth_token=None, open=True))
    with pytest.raises(NotAllowed):
        check_upgrade(an_upgrade(None, twilio_auth_token=None))


async def test_a_host_that_is_no_host_is_refused_and_breaks_nothing() -> None:
    for host in ("", "[", "a:999999", "::1", "[::1]:8000", "ü"):
        with pytest.raises(NotAllowed):
            check_upgrade(an_upgrade("c2lnbmF0dXJl", host=host))
