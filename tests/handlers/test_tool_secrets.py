"""A tool gets what it was asked with; what is kept of it, and read again by a model, has no secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.handlers.house import CALL_ID, a_house, a_request
from tests.handlers.office import KIM, an_office
from tests.voice.tools.host import Host, a_host, saying
from voice.models.scripted import ScriptedClient
from voice.store.memory import MemoryStore
from voice.telemetry.masked import text_to_keep
from voice.threads.export import export_call
from voice.types import ToolCall

SECRETS = {"gate_code": "4711", "pin": 1234, "password": "open-sesame", "accessToken": "t0ps3cret"}
ASKED = {"unit": "4B", **SECRETS}


def kim_who_opens(host: Host) -> str:
    return f"""
http_private_hosts = ["127.0.0.1:{host.port}"]
{KIM.replace('"end_call"]', '"end_call", "open_gate"]')}
[[http_tools]]
name = "open_gate"
description = "Opens the gate."
method = "POST"
url = "{host.url}/gate"
parameters = {{type = "object", properties = {{}}}}
"""


def without_secrets(kept: str) -> bool:
    return not any(str(secret) in kept for secret in SECRETS.values())


async def test_a_gate_opens_with_the_code_that_vapis_model_was_told(tmp_path: Path) -> None:
    store = MemoryStore()
    entry = {"id": "call_1", "type": "function", "function": {"name": "open_gate", "arguments": ASKED}}
    message = {"type": "tool-calls", "toolCallList": [entry], "call": {"id": CALL_ID}}
    async with (
        a_host(saying('{"gate": "open"}')) as host,
        a_house(store=store, **an_office(tmp_path, kim_who_opens(host))) as house,
    ):
        answer = await house.http.post("/vapi/webhook", json={"message": message})

    assert answer.json()["results"][0]["result"] == '{"gate": "open"}'
    assert [json.loads(asked.body) for asked in host.asked] == [ASKED]
    stored = await store.find(CALL_ID)
    assert stored is not None
    assert '"unit": "4B"' in str([note.payload for note in stored.notes])
    assert without_secrets(export_call(stored, "json"))


async def test_a_code_that_our_own_model_chose_is_neither_stored_nor_read_again(tmp_path: Path) -> None:
    store = MemoryStore()
    wanted = ToolCall("c", "open_gate", json.dumps(ASKED))
    model = ScriptedClient(reply="It is open.", tool_calls=(wanted,))
    async with (
        a_host(saying('{"gate": "open"}')) as host,
        a_house(model, store=store, **an_office(tmp_path, kim_who_opens(host))) as house,
    ):
        await house.http.post("/vapi/chat/completions", json=a_request("Open the gate.", model="kim"))

    assert [json.loads(asked.body) for asked in host.asked] == [ASKED]
    stored = await store.find(CALL_ID)
    assert stored is not None
    assert without_secrets(str([turn.tools for turn in stored.turns]))
    assert without_secrets(str([note.payload for note in stored.notes]))
    assert without_secrets(str(model.asked[-1].messages))


NAMES = [
    ("pin", True),
    ("gateCode", True),
    ("door-code", True),
    ("PIN", True),
    ("card_cvv", True),
    ("oneTimePasscode", True),
    ("apiKey", True),
    ("shipping", False),
    ("opinion", False),
    ("country_code", False),
    ("zip_code", False),
    ("unit", False),
    ("max_price", False),
]


@pytest.mark.parametrize(("name", "is_secret"), NAMES)
def test_a_name_tells_whether_a_value_is_kept(name: str, is_secret: bool) -> None:
    for value in ("4711 please", 4711, ["4711"], {"a": "4711"}):
        kept = text_to_keep(json.dumps({"to": {name: value}}))

        assert ("4711" not in kept) is is_secret, value


@pytest.mark.parametrize("written", ["", "no json", "[1, 2]", '"x"', '{"a": ', "[" * 100_000, '{"a": NaN}'])
def test_arguments_that_are_no_object_are_kept_somehow(written: str) -> None:
    assert isinstance(text_to_keep(written), str)


def test_a_key_among_words_is_left_out() -> None:
    assert "sk-" not in text_to_keep('{"note": "use sk-abcdefghijkl please"}')
    assert text_to_keep('{"note":  "as it was"}') == '{"note":  "as it was"}'
