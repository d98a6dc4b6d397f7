"""`offhook call --to`: the server calls somebody up; nobody's telephone rings in a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.handlers.ringing import TO
from tests.handlers.twilio_door import a_door
from tests.voice.cli.running import in_process
from voice.cli.outbound import ring_up, was_reached
from voice.cli.screen import Failed
from voice.cli.server import bind, serving, url_of
from voice.models.scripted import ScriptedClient
from voice.settings import Settings, load_settings
from voice.simulate.twilio.callee import Callee
from voice.simulate.twilio.rest import ACCOUNT_SID, NUMBER, TOKEN, TwilioStandIn


@asynccontextmanager
async def a_server(callee: Callee, **settings: object) -> AsyncIterator[tuple[str, Settings, TwilioStandIn]]:
    """A server on a loopback port, whose Twilio is played."""
    listener = bind("127.0.0.1", 0)
    url = url_of(listener)
    async with TwilioStandIn(webhooks_at=url, callee=callee).served() as twilio:
        account: dict[str, Any] = {
            "twilio_account_sid": ACCOUNT_SID,
            "twilio_auth_token": TOKEN,
            "twilio_phone_number": NUMBER,
            "twilio_base_url": twilio.url,
            "public_url": url,
            **settings,
        }
        async with a_door(ScriptedClient(), **account) as door, serving(door.app, listener):
            yield url, load_settings(Path("/nonexistent"), **account), twilio


async def test_a_call_is_followed_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    async with a_server("person", admin_token="t0ken") as (url, settings, twilio):
        was_reached = await ring_up(settings, TO, "jamie", url, None)

    told = capsys.readouterr().out
    assert was_reached
    assert "Jamie" in told
    assert "(the call is over: completed)" in told
    assert [call.one("To") for call in twilio.calls.values()] == [TO]


async def test_an_order_that_nobody_knows_of_is_sent_again_and_rings_once() -> None:
    async with a_server("person") as (url, settings, twilio):
        twilio.answers = ["lost"]
        was_reached = await ring_up(settings, TO, None, url, None)

    assert was_reached
    assert len(twilio.calls) == 1


async def test_who_is_not_reached_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    async with a_server("no-answer") as (url, settings, _):
        was_reached = await ring_up(settings, TO, None, url, None)

    assert not was_reached
    assert "(the call is over: no-answer)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("to", "agent", "token", "says"),
    [
        ("911", None, "t0ken", "must be a number"),
        (TO, "nobody", "t0ken", "no agent is called 'nobody'"),
        (TO, None, "another", "OFFHOOK_ADMIN_TOKEN"),
    ],
)
async def test_a_refused_order_is_told_in_one_line(to: str, agent: str | None, token: str, says: str) -> None:
    async with a_server("person", admin_token="t0ken") as (url, _, _):
        mine = load_settings(Path("/nonexistent"), admin_token=token)
        with pytest.raises(Failed, match=says):
            await ring_up(mine, to, agent, url, None)


async def test_without_a_server_there_is_nobody_to_order() -> None:
    with bind("127.0.0.1", 0) as closed:
        url = url_of(closed)
    with pytest.raises(Failed, match="is `offhook serve` running"):
        await ring_up(load_settings(Path("/nonexistent")), TO, None, url, None)


def test_a_call_can_be_tried_without_an_account(tmp_path: Path) -> None:
    told = in_process(
        "call", "--to", TO, "--pretend", "busy", folder=tmp_path, OFFHOOK_DATABASE_URL="memory://"
    )

    assert told.exit_code == 1
    assert "(the call is over: busy)" in told.stdout


@pytest.mark.parametrize("door", ["gather", "relay"])
def test_a_person_who_is_played_talks_as_in_any_other_call(tmp_path: Path, door: str) -> None:
    told = in_process(
        *("call", "--to", TO, "--pretend", "person", "--door", door, "--script", "leak"),
        folder=tmp_path,
        OFFHOOK_DATABASE_URL="memory://",
    )

    assert told.exit_code == 0, told.stderr
    assert "caller  Apartment twelve." in told.stdout
    assert "(picked up by: human; went on)" in told.stdout
    assert told.stdout.count("(completed)") == 1
    assert "(the call is over: agent)" in told.stdout


MACHINE = (
    'name = "kim"\ngreeting = "This is Kim."\npersona = "You are Kim."\nfallbacks = ["Once more?"]\n'
    'voicemail = "Please call Kim back."\nconsent = "This call is recorded."\n[twilio]\nrecord = true\n'
)


def test_what_a_machine_was_told_is_shown_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "kim.toml").write_text(MACHINE)
    args = ("call", "--to", TO, "--agent", "kim", "--pretend", "machine")

    told = in_process(*args, folder=tmp_path, OFFHOOK_AGENTS_DIR=".", OFFHOOK_DATABASE_URL="memory://")

    lines = [line.strip() for line in told.stdout.splitlines()]
    said = "(first is said, whoever hears it: This call is recorded.)"
    left = "(picked up by: machine_end_beep; left message: Please call Kim back.)"
    assert [one for one in lines if one in (said, left) or one.startswith("agent")] == [
        said,
        "agent   This is Kim.",
        left,
    ]


def test_a_played_call_does_not_pass_over_the_server_that_was_named(tmp_path: Path) -> None:
    told = in_process("call", "--to", TO, "--pretend", "busy", "--url", "http://x.test", folder=tmp_path)

    assert told.exit_code == 2
    assert "leave out --url" in told.stderr


@pytest.mark.parametrize(
    ("reason", "done", "reached"),
    [
        ("completed", None, True),
        ("completed", "went_on", True),
        ("completed", "failed", False),  # it was a machine, and Twilio could not be told so
        ("completed", "unknown", False),
        ("voicemail", "failed", True),  # the next document has left the message
        ("no-answer", None, False),
    ],
)
def test_a_machine_that_could_not_be_told_a_message_was_not_reached(
    reason: str, done: str | None, reached: bool
) -> None:
    notes = [{"kind": "answered_by", "payload": {"done": done}}] if done else []

    assert was_reached({"ended_reason": reason, "notes": notes}) is reached


def test_whom_to_play_is_asked_only_where_somebody_is_called(tmp_path: Path) -> None:
    assert in_process("call", "--pretend", "busy", folder=tmp_path).exit_code == 2
