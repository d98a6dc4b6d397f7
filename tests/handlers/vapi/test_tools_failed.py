"""Tools that did not do what Vapi asked for: it is told so, and speaks the sentence for a failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from vapi.types import ServerMessageResponseToolCalls

from tests.handlers.house import CALL_ID, House, a_house, a_message, a_request, in_shape, notes_of
from tests.handlers.office import KIM, an_office
from tests.voice.tools.host import Host, a_host, saying
from voice.errors import StoreError
from voice.settings import LineSettings
from voice.store.base import StoredCall
from voice.store.memory import MemoryStore
from voice.threads.journal import journal
from voice.types import CallId, CallRecord

PATH = "/vapi/webhook"
CALLER, LINE = "+14155550100", "+14155550199"


def a_gate(url: str) -> str:
    return f"""
http_private_hosts = ["{url.removeprefix("http://")}"]
{KIM.replace('"end_call"]', '"end_call", "open_gate"]').replace("waits_for_goodbye = false", "")}
[[http_tools]]
name = "open_gate"
description = "Opens the gate."
method = "POST"
url = "{url}/gate"
parameters = {{type = "object", properties = {{unit = {{type = "string"}}}}, required = ["unit"]}}
"""


def asking(*tools: tuple[str, Any], **around: Any) -> dict[str, Any]:
    """A tool-calls message for these names and arguments."""
    listed = [
        {"id": f"call_{place}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for place, (name, arguments) in enumerate(tools)
    ]
    return {"message": {"type": "tool-calls", "toolCallList": listed, "call": {"id": CALL_ID}, **around}}


async def results(house: House, message: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await house.http.post(PATH, json=message)
    in_shape(ServerMessageResponseToolCalls, answer)
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("open_gate", {"unit": "4b"}, "open_gate cannot be reached"),  # its host is gone
        ("open_gate", {"unit": 4}, "unit"),
        ("open_gate", "no json", "The arguments are not JSON."),
        ("open_door", {}, "There is no tool called open_door."),
        ("end_call", {}, ""),  # the caller has not said goodbye
    ],
    ids=["gone", "does-not-fit", "no-json", "no-such-tool", "refused"],
)
async def test_a_tool_that_failed_is_no_success_at_vapi(
    name: str, arguments: object, says: str, tmp_path: Path
) -> None:
    async with a_host(None) as gone:
        url = gone.url
    async with a_house(**an_office(tmp_path, a_gate(url))) as house:
        await house.http.post("/vapi/chat/completions", json=a_request("My sink leaks.", model="kim"))
        [one] = await results(house, asking((name, arguments)))
        [again] = await results(house, asking((name, arguments)))
        stored = await house.store.find(CALL_ID)

    assert "result" not in one
    assert says in one["error"]
    assert again == one
    assert stored is not None
    assert [use.ok for use in journal(stored.notes)] == [False]


async def test_one_tool_that_failed_leaves_the_others_what_they_are(tmp_path: Path) -> None:
    async with a_house(**an_office(tmp_path)) as house:
        good, bad = await results(house, asking(("ticket", {"issue": "The sink leaks"}), ("dance", {})))

    assert good["result"].endswith("is open: The sink leaks.")
    assert bad["error"] == "There is no tool called dance."


async def test_an_id_without_a_name_gets_a_result_too() -> None:
    message = asking(("ticket", {"issue": "The sink leaks"}))
    message["message"]["toolCallList"].append({"id": "call_9", "type": "function"})

    async with a_house() as house:
        one, nameless = await results(house, message)
        used = await notes_of(house, "ticket")

    assert one["result"]
    assert nameless == {
        "toolCallId": "call_9",
        "name": "unknown",
        "error": "Not done: the request names no tool.",
    }
    assert len(used) == 1


async def test_a_name_that_stands_in_another_list_is_found() -> None:
    message = asking(("ticket", {"issue": "The sink leaks"}))
    entry = message["message"]["toolCallList"][0]
    message["message"] |= {
        "toolCallList": [{"id": entry["id"], "type": "function"}],
        "toolWithToolCallList": [{"type": "function", "toolCall": entry}],
    }

    async with a_house() as house:
        [one] = await results(house, message)

    assert one["result"].endswith("is open: The sink leaks.")


# The first that we hear of a call


async def test_a_call_that_is_met_by_a_tool_has_its_caller_its_line_and_its_agent(tmp_path: Path) -> None:
    (tmp_path / "sam.toml").write_text(KIM.replace('"kim"', '"sam"'))
    around = {"customer": {"number": CALLER}, "phoneNumber": {"id": "pn_1", "number": LINE}}
    message = asking(("ticket", {"issue": "The sink leaks"}), ("transfer", {"target": "office"}), **around)

    async with a_house(**an_office(tmp_path)) as house:
        await house.http.post(f"{PATH}?agent=sam", json=message)
        call = house.brain.calls.get(CALL_ID)

    assert call is not None
    assert (call.record.caller, call.line, call.agent.name) == (CALLER, LINE, "sam")


async def test_a_call_that_is_met_by_a_tool_has_the_agent_of_its_line(tmp_path: Path) -> None:
    (tmp_path / "sam.toml").write_text(KIM.replace('"kim"', '"sam"'))
    lines = [LineSettings.model_validate({"number": LINE, "agent": "sam"})]
    message = asking(("ticket", {"issue": "The sink leaks"}), phoneNumber={"number": LINE})

    async with a_house(lines=lines, **an_office(tmp_path)) as house:
        await house.http.post(PATH, json=message)
        call = house.brain.calls.get(CALL_ID)

    assert call is not None
    assert call.agent.name == "sam"


async def test_a_transfer_that_is_asked_for_first_is_the_one_of_the_agent_in_the_url(tmp_path: Path) -> None:
    sam = KIM.replace('"kim"', '"sam"').replace("+14155550150", "+14155550151")
    (tmp_path / "sam.toml").write_text(sam)

    async with a_house(**an_office(tmp_path)) as house:
        answer = await house.http.post(f"{PATH}?agent=sam", json=a_message("transfer_destination_request"))

    assert answer.json()["destination"]["number"] == "+14155550151"


async def test_a_caller_who_is_told_only_later_is_kept_with_the_call() -> None:
    async with a_house() as house:
        await house.http.post(PATH, json=asking(("ticket", {"issue": "The sink leaks"})))
        before = await house.store.record(CALL_ID)
        await house.http.post("/vapi/chat/completions", json=a_request("Hello?", customer={"number": CALLER}))
        after = await house.store.record(CALL_ID)

    assert before is not None
    assert after is not None
    assert (before.caller, after.caller) == (None, CALLER)


class Absent(MemoryStore):
    """A store that cannot be asked for anything."""

    async def find(self, call_id: CallId, *, with_notes: bool = True) -> StoredCall | None:
        raise StoreError("gone")

    async def record(self, call_id: CallId) -> CallRecord | None:
        raise StoreError("gone")


async def test_a_tool_is_run_though_the_store_is_away() -> None:
    async with a_house(store=Absent()) as house:
        [one] = await results(house, asking(("ticket", {"issue": "The sink leaks"})))

    assert "is open: The sink leaks." in one.get("result", ""), one


# What a tool answers


def told_code(host: Host) -> str:
    return a_gate(host.url).replace('required = ["unit"]', "required = []")


async def test_a_code_that_a_tool_answers_reaches_vapi_and_is_not_stored(tmp_path: Path) -> None:
    store = MemoryStore()
    async with a_host(saying('{"gate_code": "4711", "unit": "4b"}')) as host:
        office = an_office(tmp_path, told_code(host))
        async with a_house(store=store, **office) as house:
            first = await results(house, asking(("open_gate", {})))
            again = await results(house, asking(("open_gate", {})))
        async with a_house(store=store, **office) as house:
            after_a_restart = await results(house, asking(("open_gate", {})))
        asked = len(host.asked)

    stored = await store.find(CALL_ID)
    assert '"4711"' in first[0]["result"]
    assert again == first
    assert after_a_restart[0]["result"] == '{"gate_code": "[removed]", "unit": "4b"}'
    assert asked == 1
    assert stored is not None
    assert "4711" not in str([note.payload for note in stored.notes])
    assert "4b" in str([note.payload for note in stored.notes])
