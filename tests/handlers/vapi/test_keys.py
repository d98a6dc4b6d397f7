"""The keys that sign tokens: read from where the setting says, kept, and read again."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest

from handlers.vapi.keys import KeySet
from tests.conftest import VirtualTime
from tests.handlers.house import a_house
from tests.handlers.vapi.test_auth import a_key, a_token, ask
from voice.errors import SetupError
from voice.simulate.loopback import Receive, Scope, Send, serving


class Issuer:
    """Where keys are read; counts how often."""

    def __init__(self) -> None:
        self.has: object = {}
        self.asked = 0

    async def __call__(self, place: str) -> bytes:
        await asyncio.sleep(0.1)
        self.asked += 1
        return json.dumps(self.has).encode()


async def test_a_new_key_of_the_issuer_is_found_and_a_made_up_one_is_not_looked_for_all_the_time(
    virtual_time: VirtualTime,
) -> None:
    (_, first), (_, second) = a_key("one"), a_key("two")
    issuer = Issuer()
    keys = KeySet("https://id.example.com/keys", issuer)

    issuer.has = {"keys": [first]}
    assert await keys.key("one") is not None
    assert await keys.key(None) is not None  # a token may leave out the name of the only key
    issuer.has = {"keys": [second]}
    assert [await keys.key("two") for _ in range(10)] == [None] * 10
    assert issuer.asked == 1
    await asyncio.sleep(31.0)
    assert await keys.key("two") is not None
    assert await keys.key("one") is None
    issuer.has = "nonsense"
    await asyncio.sleep(700.0)
    assert await keys.key("two") is not None  # an old key is better than none
    await keys.close()


async def test_keys_that_cannot_be_read_refuse_and_say_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    private, _ = a_key("one")

    with caplog.at_level(logging.ERROR):
        async with a_house(vapi_jwks=str(tmp_path / "none.json"), vapi_audience="offhook") as house:
            assert await ask(house, a_token(private, "one")) == 403

    assert "vapi.keys_not_read" in caplog.text


def test_keys_are_not_taken_over_plain_http() -> None:
    with pytest.raises(SetupError, match="https"):
        KeySet("http://id.example.com/keys")


class KeyHost:
    """An issuer on this machine, whose old address leads to another one."""

    def __init__(self, keys: object = None) -> None:
        self.keys, self.asked = keys, list[str]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(scope["path"])
        is_old = scope["path"] == "/old"
        headers = [(b"location", b"/keys")] if is_old else []
        await send({"type": "http.response.start", "status": 302 if is_old else 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(self.keys).encode()})


@pytest.mark.parametrize(("path", "is_found"), [("/old", False), ("/keys", True)])
async def test_keys_are_not_read_from_where_a_redirect_leads(path: str, is_found: bool) -> None:
    host = KeyHost({"keys": [a_key("one")[1]]})

    async with serving(host) as url:
        keys = KeySet(f"{url}{path}")
        found = await keys.key("one")
        await keys.close()

    assert (found is not None) is is_found
    assert host.asked == [path]


async def test_keys_are_read_past_a_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    host, proxy = KeyHost({"keys": [a_key("one")[1]]}), KeyHost()
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)

    async with serving(host) as url, serving(proxy) as in_between:
        monkeypatch.setenv("http_proxy", in_between)
        keys = KeySet(f"{url}/keys")
        found = await keys.key("one")
        await keys.close()

    assert found is not None
    assert proxy.asked == []
