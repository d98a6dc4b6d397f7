"""A call that we begin, on the real server, which is killed while Twilio has not yet answered the order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.acceptance.test_one_call import a_free_port
from tests.voice.cli.running import command, environment
from voice.simulate.twilio.rest import ACCOUNT_SID, NUMBER, TOKEN, TwilioStandIn

pytestmark = pytest.mark.slow

ORDER = {"to": "+14155550100", "idempotency_key": "visit-117"}


@asynccontextmanager
async def a_server(folder: Path, port: int, twilio: TwilioStandIn) -> AsyncIterator[httpx.AsyncClient]:
    """The server as an operator starts it, and a client at it; at the end it is killed, not asked."""
    url = f"http://127.0.0.1:{port}"
    settings = {
        "OFFHOOK_PORT": str(port),
        "OFFHOOK_PUBLIC_URL": url,
        "TWILIO_BASE_URL": twilio.url,
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_PHONE_NUMBER": NUMBER,
    }
    process = await asyncio.create_subprocess_exec(
        *command(("serve",)),
        cwd=folder,
        env=environment(**settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            while b"listens on" not in (line := await process.stdout.readline()):
                assert line, "the server did not start"
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60.0) as http:
            yield http
    finally:
        process.send_signal(signal.SIGKILL)
        await process.communicate()


@pytest.mark.parametrize("loses", [(), ("initiated", "ringing")], ids=["callbacks", "no callbacks"])
async def test_nobody_is_rung_twice_by_a_server_that_was_killed(
    tmp_path: Path, loses: Collection[str]
) -> None:
    port = a_free_port()
    played = TwilioStandIn(webhooks_at=f"http://127.0.0.1:{port}", ring_s=60.0, loses=loses)
    async with played.served() as twilio:
        twilio.answers = ["hangs"]
        async with a_server(tmp_path, port, twilio) as http:
            order = asyncio.create_task(http.post("/admin/calls", json=ORDER))
            async with asyncio.timeout(30):
                await twilio.was_ordered.wait()
                (call,) = twilio.calls.values()
                await call.rings.wait()
        async with a_server(tmp_path, port, twilio) as http:
            second = await http.post("/admin/calls", json=ORDER)
            third = await http.post("/admin/calls", json=ORDER)

    with pytest.raises(httpx.HTTPError):
        await order
    assert (second.status_code, third.status_code) == (200, 200)
    assert [*twilio.calls] == [second.json()["call_id"]] == [third.json()["call_id"]]
