"""Calls of our own: begun once, whatever breaks in between, and told truly."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from handlers.twilio.rest import TwilioRest
from tests.conftest import VirtualTime
from tests.handlers.ringing import TO, Exchange, an_exchange, notes
from tests.handlers.twilio_door import BASE, CALL, message, read
from voice.errors import StoreError
from voice.models.scripted import ScriptedClient
from voice.simulate.twilio.callee import PlacedCall
from voice.simulate.twilio.rest import NUMBER
from voice.store.memory import MemoryStore
from voice.types import CallId, CallRecord, Door

KEY = {"idempotency_key": "order-1"}


class WithoutClaims(MemoryStore):
    """A store that cannot be asked just now."""

    async def claim(self, key: str) -> bool:
        raise StoreError("the database is away")


class WithoutRecords(MemoryStore):
    """A store that goes away when a call has begun."""

    async def record(self, call_id: CallId) -> CallRecord | None:
        raise StoreError("the database is away")


async def test_whoever_picks_up_hears_the_agent(virtual_time: VirtualTime) -> None:
    async with an_exchange() as exchange:
        call, stored = await exchange.called(agent="jamie")

    assert "Jamie" in " ".join(call.heard)
    assert (stored.record.agent, stored.record.caller) == ("jamie", TO)
    assert stored.record.ended_reason == "completed"
    assert notes(stored, "answered_by") == [
        {"answered_by": "human", "detected_ms": "3200", "done": "went_on"}
    ]


async def test_where_a_socket_can_be_opened_the_call_goes_through_it(virtual_time: VirtualTime) -> None:
    public = {"public_url": "https://voice.example.com"}
    async with an_exchange(twilio=dict(public), **public) as exchange:
        call, stored = await exchange.called()

    assert call.problem is None
    assert "Jamie" in " ".join(call.heard)
    assert (stored.record.door, stored.record.caller) == (Door.RELAY, TO)


async def test_whom_we_call_is_the_caller_and_our_number_the_line(virtual_time: VirtualTime) -> None:
    ours = {"Direction": "outbound-api", "From": NUMBER, "To": TO}
    async with an_exchange(ScriptedClient(reply="Which unit?")) as exchange:
        door = exchange.door
        await door.hear("/twilio/voice?agent=jamie", "voice", **ours)
        said = await door.hear("/twilio/gather?turn=1&agent=jamie", "gather", **ours)
        call = door.brain.calls.get(CALL)

    assert said.words == "Which unit?"
    assert call is not None
    assert (call.record.caller, call.line) == (TO, NUMBER)


async def test_the_answer_names_the_call(virtual_time: VirtualTime) -> None:
    async with an_exchange() as exchange:
        answer = await exchange.order(**KEY)
        call_id = answer.json()["call_id"]
        listed = (await exchange.door.http.get(f"/admin/calls/{call_id}")).json()

    assert answer.status_code == 201
    assert answer.json() == {
        "call_id": call_id,
        "agent": "jamie",
        "to": TO,
        "from": NUMBER,
        "idempotency_key": "order-1",
        "repeated": False,
    }
    assert listed["caller"] == TO


@pytest.mark.parametrize("callee", ["busy", "no-answer", "failed"])
async def test_who_is_not_reached_ends_the_call(virtual_time: VirtualTime, callee: str) -> None:
    async with an_exchange(twilio={"callee": callee}) as exchange:
        _, stored = await exchange.called()
        live = exchange.door.brain.calls.live

    assert stored.record.ended_reason == callee
    assert live == 0


async def test_the_same_order_rings_once(virtual_time: VirtualTime) -> None:
    async with an_exchange() as exchange:
        answers = await asyncio.gather(*(exchange.order(**KEY) for _ in range(5)))
        again = await exchange.order(**KEY)

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 201]
    assert len({answer.json()["call_id"] for answer in [*answers, again]}) == 1
    assert len(exchange.twilio.calls) == 1


async def test_after_a_restart_the_same_order_still_rings_once(virtual_time: VirtualTime) -> None:
    async with an_exchange() as exchange:
        first = await exchange.order(**KEY)
        exchange.restart()
        second = await exchange.order(**KEY)

    assert second.json() == {**first.json(), "repeated": True}
    assert len(exchange.twilio.calls) == 1


async def test_a_key_belongs_to_one_order(virtual_time: VirtualTime) -> None:
    async with an_exchange() as exchange:
        await exchange.order(**KEY)
        here = await exchange.order(**KEY, max_call_s=60)
        exchange.restart()
        elsewhere = await exchange.order(**KEY, max_call_s=60)

    assert here.status_code == elsewhere.status_code == 400
    assert len(exchange.twilio.calls) == 1


async def test_a_call_whose_document_twilio_cannot_take_is_ended_and_told_so(
    virtual_time: VirtualTime,
) -> None:
    async with an_exchange() as exchange:
        urls = [("Url", f"{BASE}/nowhere"), ("StatusCallback", f"{BASE}/twilio/status")]
        await exchange.door.app.state.twilio_rest.begin([("To", TO), ("From", NUMBER), *urls])
        (call,) = exchange.twilio.calls.values()
        await call.is_over.wait()

    assert call.problem == "Twilio error 11200: /nowhere answered 404"
    assert call.status == "completed"


async def test_an_answer_that_was_lost_is_looked_up_and_nobody_is_rung_twice(
    virtual_time: VirtualTime,
) -> None:
    async with an_exchange(twilio={"ring_s": 60}) as exchange:
        exchange.twilio.answers = ["lost"]
        first = await exchange.order(**KEY)
        second = await exchange.order(**KEY)

    assert (first.status_code, second.status_code) == (201, 200)
    assert [*exchange.twilio.calls] == [first.json()["call_id"]]


async def test_a_call_of_which_no_callback_came_is_found_in_twilios_list(virtual_time: VirtualTime) -> None:
    lost = {"ring_s": 60, "loses": ["initiated", "ringing"]}
    async with an_exchange(twilio=lost) as exchange:
        exchange.twilio.answers = ["lost"]
        answer = await exchange.order(**KEY)

    assert answer.status_code == 201
    assert answer.json()["call_id"] in exchange.twilio.calls


async def test_a_call_that_rings_while_twilio_does_not_answer_is_known_by_its_callbacks(
    virtual_time: VirtualTime,
) -> None:
    async with an_exchange(twilio={"ring_s": 60}) as exchange:
        exchange.twilio.answers = ["hangs"]
        first, second = await exchange.order(**KEY), await exchange.order(**KEY)

    assert (first.status_code, second.status_code) == (201, 200)
    assert [*exchange.twilio.calls] == [first.json()["call_id"]]
    assert not any(path.startswith("GET") for path in exchange.twilio.asked)


async def test_an_order_that_nobody_heard_is_not_dialled_again(virtual_time: VirtualTime) -> None:
    async with an_exchange() as exchange:
        exchange.twilio.answers = ["unheard"]
        first, second = await exchange.order(**KEY), await exchange.order(**KEY)
        other = await exchange.order(idempotency_key="order-2")

    assert [answer.status_code for answer in (first, second, other)] == [502, 502, 201]
    assert first.json()["error"]["code"] == "unknown"
    assert exchange.twilio.asked.count("POST " + created(exchange)) == 2


async def test_an_error_of_twilios_is_no_answer(virtual_time: VirtualTime) -> None:
    async with an_exchange() as exchange:
        exchange.twilio.answers = [500]
        answer = await exchange.order(**KEY)

    assert answer.json()["error"]["code"] == "unknown"
    assert exchange.twilio.asked.count("POST " + created(exchange)) == 1


async def test_two_lost_orders_to_one_number_become_two_calls(virtual_time: VirtualTime) -> None:
    lost = {"ring_s": 60, "loses": ["initiated", "ringing"]}
    async with an_exchange(twilio=lost) as exchange:
        exchange.twilio.answers = ["lost", "lost"]
        first = await exchange.order(idempotency_key="order-1")
        second = await exchange.order(idempotency_key="order-2")

    assert {first.json()["call_id"], second.json()["call_id"]} == {*exchange.twilio.calls}


async def test_too_many_requests_is_tried_again_after_the_time_that_twilio_names(
    virtual_time: VirtualTime,
) -> None:
    async with an_exchange() as exchange:
        exchange.twilio.answers = [429, 429]
        answer = await exchange.order(**KEY)
        took_s = virtual_time.elapsed_s

    assert answer.status_code == 201
    assert took_s == pytest.approx(2.0, abs=0.1)
    assert len(exchange.twilio.calls) == 1


async def test_an_order_that_was_refused_may_be_sent_again(virtual_time: VirtualTime) -> None:
    async with an_exchange() as exchange:
        exchange.twilio.answers = [429, 429, 429, 429]
        refused = await exchange.order(**KEY)
        again = await exchange.order(**KEY)

    assert (refused.status_code, refused.json()["error"]["code"]) == (502, "refused")
    assert again.status_code == 201


async def test_what_twilio_says_to_a_refusal_is_told(virtual_time: VirtualTime) -> None:
    async with an_exchange() as exchange:
        answer = await exchange.order(**{"from": "+12025550111"})

    assert answer.status_code == 502
    assert "error 21210" in answer.json()["error"]["message"]


async def test_a_call_that_a_repeat_finds_is_listed_like_any_other(virtual_time: VirtualTime) -> None:
    lost = {"ring_s": 60, "loses": ["initiated", "ringing"]}
    async with an_exchange(twilio=lost) as exchange:
        exchange.twilio.answers = ["unheard"]
        await exchange.order(**KEY)
        late = PlacedCall({"To": [TO], "From": [NUMBER]}, "person")  # Twilio has taken its time
        exchange.twilio.calls[late.sid] = late
        found = await exchange.order(**KEY)
        listed = await exchange.door.http.get(f"/admin/calls/{late.sid}")

    assert found.json()["call_id"] == late.sid
    assert listed.json()["caller"] == TO


async def test_without_its_record_nobody_is_called(virtual_time: VirtualTime) -> None:
    async with an_exchange(store=WithoutClaims()) as exchange:
        answer = await exchange.order(**KEY)

    assert answer.status_code == 503
    assert exchange.twilio.asked == []


async def test_a_database_that_goes_away_meanwhile_hides_no_call_that_rings(
    virtual_time: VirtualTime,
) -> None:
    async with an_exchange(store=WithoutRecords()) as exchange:
        answer = await exchange.order(**KEY)

    assert answer.status_code == 201
    assert answer.json()["call_id"] in exchange.twilio.calls


async def test_a_callback_that_is_late_brings_no_call_back_to_life(virtual_time: VirtualTime) -> None:
    async with an_exchange(twilio={"callee": "busy"}) as exchange:
        call, _ = await exchange.called()
        for status, number in (("ringing", "1"), ("initiated", "0"), ("busy", "3"), ("in-progress", "2")):
            told = {**message("status"), "CallSid": call.sid, "CallStatus": status, "SequenceNumber": number}
            await exchange.door.post(f"/twilio/status?out={'0' * 32}", told)
        live, kept = exchange.door.brain.calls.live, await exchange.door.brain.store.find(CallId(call.sid))

    assert live == 0
    assert kept is not None
    assert kept.record.ended_reason == "busy"


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "911"},
        {"to": "+15551234567"},
        {"to": "nobody"},
        {"to": NUMBER},
        {"to": 14155550100},
        {"to": None},
        {"from": "anonymous"},
        {"agent": "nobody"},
        {"record": "yes"},
        {"record": True},  # the agent has no words to announce it with
        {"voicemail": "  "},
        {"voicemail": "x" * 2001},
        {"max_call_s": 0},
        {"max_call_s": 100_000},
        {"max_call_s": 60.5},
        {"idempotency_key": ""},
        {"idempotency_key": "with a blank"},
        {"twiml": "<Response/>"},
    ],
)
async def test_a_wrong_order_is_refused_and_nobody_rung(
    virtual_time: VirtualTime, wrong: dict[str, object]
) -> None:
    async with an_exchange() as exchange:
        answer = await exchange.order(**wrong)

    assert answer.status_code in (400, 404)
    assert exchange.twilio.asked == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"to": "\xff"}', b"null"])
async def test_what_is_no_order_is_refused(virtual_time: VirtualTime, body: bytes) -> None:
    async with an_exchange() as exchange:
        answer = await exchange.door.http.post("/admin/calls", content=body)

    assert answer.status_code == 400


async def test_what_is_wrong_with_an_order_is_told_in_words(virtual_time: VirtualTime) -> None:
    async with an_exchange() as exchange:
        blank = await exchange.order(idempotency_key="")
        listed = await exchange.door.http.post("/admin/calls", content=b"[]")

    assert "a name such as visit-117" in blank.json()["error"]["message"]
    assert '{"to": "+14155550100"}' in listed.json()["error"]["message"]


async def test_twilio_that_is_not_reached_is_told_from_twilio_that_refuses(virtual_time: VirtualTime) -> None:
    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route to host")

    async with an_exchange() as exchange, httpx.AsyncClient(transport=httpx.MockTransport(away)) as http:
        exchange.door.app.state.twilio_rest = TwilioRest(exchange.door.brain.settings, http)
        exchange.restart()
        answer = await exchange.order()

    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "not_reached"


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=40),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("to", "agent", "from", "record", "voicemail", "max_call_s", "idempotency_key")


@settings(deadline=None, max_examples=80)
@given(order=some.dictionaries(some.sampled_from(FIELDS), json_values))
async def test_whatever_is_ordered_breaks_nothing(order: dict[str, object]) -> None:
    async with an_exchange() as exchange:
        answer = await exchange.door.http.post("/admin/calls", content=json.dumps(order))

    assert answer.status_code in (201, 400, 404)
    assert len(exchange.twilio.calls) == (answer.status_code == 201)


@pytest.mark.parametrize(
    ("lacking", "named"),
    [
        ({"twilio_account_sid": None}, "TWILIO_ACCOUNT_SID"),
        ({"twilio_auth_token": None}, "TWILIO_AUTH_TOKEN"),
        ({"public_url": None}, "OFFHOOK_PUBLIC_URL"),
        ({"twilio_phone_number": None}, "TWILIO_PHONE_NUMBER"),
    ],
)
async def test_what_must_be_set_first_is_named(
    virtual_time: VirtualTime, lacking: dict[str, object], named: str
) -> None:
    async with an_exchange(**lacking) as exchange:
        answer = await exchange.order()

    assert answer.status_code == 503
    assert named in answer.json()["error"]["message"]


async def test_only_operators_may_call(virtual_time: VirtualTime) -> None:
    async with an_exchange(admin_token="t0ken") as exchange:
        answer = await exchange.order()

    assert answer.status_code == 401
    assert exchange.twilio.asked == []


async def test_no_more_people_are_called_than_there_are_lines(virtual_time: VirtualTime) -> None:
    async with an_exchange(max_calls=1, twilio={"ring_s": 60}) as exchange:
        first, second = await exchange.order(), await exchange.order()

    assert (first.status_code, second.status_code) == (201, 503)
    assert len(exchange.twilio.calls) == 1


async def test_a_call_has_an_end(virtual_time: VirtualTime) -> None:
    async with an_exchange() as exchange:
        own, _ = await exchange.called()
        ordered, _ = await exchange.called(max_call_s=90)

    assert (own.one("TimeLimit"), ordered.one("TimeLimit")) == ("3660", "150")


async def test_a_call_says_goodbye_when_its_order_ends_it_and_is_not_cut_off(
    virtual_time: VirtualTime,
) -> None:
    async with an_exchange(ScriptedClient(reply="Which unit?"), twilio={"talk_s": 600}) as exchange:
        answer = await exchange.order(max_call_s=60)
        sid = answer.json()["call_id"]
        call = exchange.twilio.calls[sid]
        await asyncio.sleep(30.0)
        url = (call.one("Url") or "").removeprefix(BASE)
        live = exchange.door.brain.calls.get(CallId(sid))
        assert live is not None
        live.record.began_on -= timedelta(seconds=61)
        form = {**message("gather"), "CallSid": sid, "Direction": "outbound-api"}
        document = read(await exchange.door.post("/twilio/gather?turn=1", form))

    assert "limit=60" in url
    assert document.words.startswith("Which unit?")
    assert document.hangs_up


async def test_an_order_decides_whether_its_call_is_recorded(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    (tmp_path / "kim.toml").write_text(
        'name = "kim"\ngreeting = "This is Kim."\npersona = "You are Kim."\nfallbacks = ["Sorry?"]\n'
        'consent = "This call is recorded."\n'
    )
    async with an_exchange(agents_dir=tmp_path, agent="kim") as exchange:
        plain, without = await exchange.called()
        recorded, kept = await exchange.called(record=True)

    assert "recorded" not in " ".join(plain.heard)
    assert recorded.heard[0] == "This call is recorded."
    assert notes(without, "consent") == []
    assert notes(kept, "consent") == [{"announced": "This call is recorded."}]


def created(exchange: Exchange) -> str:
    return f"/2010-04-01/Accounts/{exchange.twilio.account_sid}/Calls.json"
