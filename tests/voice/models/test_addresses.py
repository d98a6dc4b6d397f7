"""Where hosts are: one look-up for all who ask, an old answer rather than none, a new one after a move."""

from __future__ import annotations

import asyncio
import socket
import ssl

import httpx
import pytest
from aiohappyeyeballs import AddrInfoType

from tests.conftest import VirtualTime
from tests.voice.models.test_http import a_host
from tests.voice.models.test_wires import OK, Run, run, says, says_once
from voice.models.addresses import FRESH_S, STALE_S, Addresses, system
from voice.models.wires import Wires

__all__ = ["run"]


def at(port: int) -> list[AddrInfoType]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


class Names:
    """A name server that answers with `port`, or not at all when it is None."""

    def __init__(self, port: int | None) -> None:
        self.port, self.asked = port, 0

    async def __call__(self, host: str, port: int) -> list[AddrInfoType]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.port is None:
            raise OSError("the name server is away")
        return at(self.port)


async def port_of(addresses: Addresses) -> int:
    found, _ = await addresses.of("model.host", 80)
    return int(found[0][4][1])


async def test_an_address_of_some_time_ago_is_used_while_it_is_looked_up_again(
    virtual_time: VirtualTime,
) -> None:
    names = Names(1)
    addresses = Addresses(names)
    await port_of(addresses)
    names.port = 2

    await asyncio.sleep(FRESH_S - 1.0)
    young = await port_of(addresses)
    asked_young = names.asked
    await asyncio.sleep(2.0)
    old = await port_of(addresses)
    await asyncio.sleep(1.0)

    assert (young, asked_young) == (1, 1)
    assert (old, names.asked) == (1, 2)
    assert await port_of(addresses) == 2


async def test_a_name_server_that_is_away_for_minutes_costs_no_host_that_is_known(
    virtual_time: VirtualTime,
) -> None:
    names = Names(1)
    addresses = Addresses(names)
    await port_of(addresses)
    names.port = None

    await asyncio.sleep(FRESH_S + STALE_S - 1.0)
    assert await port_of(addresses) == 1

    await asyncio.sleep(2.0)
    with pytest.raises(OSError, match="away"):
        await port_of(addresses)


def test_a_host_that_has_moved_is_found_where_it_is_now(run: Run) -> None:
    async def test() -> None:
        async with a_host(says(OK)) as there:
            async with a_host(says_once(OK)) as here:
                names = Names(int(here.rsplit(":", 1)[1]))
                wires = Wires(ssl.create_default_context(), Addresses(names))
                await wires.post("http://model.host/", b"", b"")
            names.port = int(there.rsplit(":", 1)[1])

            answers = await asyncio.gather(*(wires.post("http://model.host/", b"", b"") for _ in range(2)))
            wires.close()

        assert [answer.status_code for answer in answers] == [200, 200]

    run(test())


def test_a_name_is_looked_up_once_for_all_who_ask(run: Run) -> None:
    async def test() -> None:
        asked = 0

        async def look_up(host: str, port: int) -> list[AddrInfoType]:
            nonlocal asked
            asked += 1
            return await system("127.0.0.1", port)

        async with a_host(says(OK)) as url:
            wires = Wires(ssl.create_default_context(), Addresses(look_up))
            named = url.replace("127.0.0.1", "model.host")
            await asyncio.gather(*(wires.post(named, b"", b"") for _ in range(8)))
            wires.close()

        assert asked == 1

    run(test())


def test_who_leaves_takes_the_look_up_from_nobody_else(run: Run) -> None:
    async def test() -> None:
        may_tell = asyncio.Event()

        async def look_up(host: str, port: int) -> list[AddrInfoType]:
            await may_tell.wait()
            return await system("127.0.0.1", port)

        addresses = Addresses(look_up)
        leaves, stays = (asyncio.create_task(addresses.of("model.host", 80)) for _ in range(2))
        await asyncio.sleep(0)
        leaves.cancel()
        await asyncio.wait([leaves])
        may_tell.set()

        assert (await stays)[0][0][4] == ("127.0.0.1", 80)

    run(test())


@pytest.mark.parametrize("error", [OSError("no such name"), UnicodeError("a label too long")])
def test_a_host_that_nobody_knows_cannot_be_reached(run: Run, error: Exception) -> None:
    async def test() -> None:
        async def look_up(host: str, port: int) -> list[AddrInfoType]:
            raise error

        wires = Wires(ssl.create_default_context(), Addresses(look_up))
        with pytest.raises(httpx.ConnectError):
            await wires.post("http://model.host/", b"", b"")

    run(test())
