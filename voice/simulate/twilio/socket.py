"""The socket of a ConversationRelay session, as Twilio opens it: text frames, nothing else.

The library is loaded with the first socket: most simulated calls have none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from voice.errors import BadRequest

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

MAX_FRAME_BYTES = 1_000_000
OPENS_WITHIN_S = 5.0


class SocketClosed(Exception):
    """The other side has closed the socket, or it broke."""


class Socket(Protocol):
    """One open socket."""

    async def send(self, text: str) -> None:
        """Raises SocketClosed."""
        ...

    async def receive(self) -> str | bytes:
        """The next frame. Raises SocketClosed."""
        ...

    async def close(self, code: int = 1000) -> None:
        """Close it in order; a second time changes nothing."""
        ...

    async def abort(self) -> None:
        """Break it off, as a network does."""
        ...


OpenSocket = Callable[[str, Mapping[str, str]], Awaitable[Socket]]
"""Opens a socket at a ws:// or wss:// URL with these headers. Raises BadRequest when it is refused."""


class _WebSocket:
    """A socket of the network."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            await self._connection.send(text)
        except ConnectionClosed as exc:
            raise SocketClosed(str(exc)) from exc

    async def receive(self) -> str | bytes:
        from websockets.exceptions import ConnectionClosed

        try:
            return await self._connection.recv()
        except ConnectionClosed as exc:
            raise SocketClosed(str(exc)) from exc

    async def close(self, code: int = 1000) -> None:
        await self._connection.close(code)

    async def abort(self) -> None:
        self._connection.transport.abort()


async def open_socket(url: str, headers: Mapping[str, str]) -> Socket:
    """A socket of the network. Raises BadRequest, with Twilio's error number, when there is none."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidStatus, WebSocketException

    try:
        connection = await connect(
            url,
            additional_headers=headers,
            user_agent_header="Twilio.TmeWs/1.0",
            open_timeout=OPENS_WITHIN_S,
            max_size=MAX_FRAME_BYTES,
            close_timeout=1,
            compression=None,
            proxy=None,
        )
    except InvalidStatus as exc:
        raise BadRequest(f"Twilio error 64102: {url} answered {exc.response.status_code}") from exc
    except (OSError, TimeoutError, WebSocketException) as exc:
        raise BadRequest(f"Twilio error 64102: no socket at {url} ({type(exc).__name__})") from exc
    return _WebSocket(connection)
