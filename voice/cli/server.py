"""A server in this process: the socket, uvicorn, the brain's lifespan, and a quiet end.

The socket is bound before anything is loaded, so that a port in use is known at once. The app's
lifespan is entered here and not by uvicorn, so that whatever is wrong with the set-up arrives as
the SetupError it is, and not as a traceback in a log.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Unpack

import uvicorn

from handlers.app import BrainOptions, create_app
from handlers.relay.leaving import finish_speaking
from voice.brain import Brain
from voice.cli.garbage import look_when_quiet
from voice.errors import SetupError
from voice.settings import Settings

MAX_FRAME_BYTES = 256_000  # a frame of ConversationRelay holds one utterance
TICK_S = 1.0  # an HTTP date has seconds
GRACE_S = 10  # at shutdown, for requests in flight: one reply's usual length
OTHER_PORT = "choose another with --port or OFFHOOK_PORT"
OTHER_HOST = "choose another with --host or OFFHOOK_HOST"


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers at `url`, and the brain behind it."""

    url: str
    brain: Brain
    uvicorn: uvicorn.Server


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one. Raises SetupError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
        # asyncio leaves Nagle's algorithm on for such a socket: a first word would wait 40 ms for an ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except OSError as exc:
        what, instead = {
            errno.EADDRINUSE: ("something else listens there already", OTHER_PORT),
            errno.EACCES: ("this user may not use that port", OTHER_PORT),
            errno.EADDRNOTAVAIL: ("this machine has no such address", OTHER_HOST),
        }.get(exc.errno or 0, (exc.strerror or str(exc), OTHER_HOST))
        raise SetupError(f"cannot listen on {host}:{port}: {what}; {instead}") from exc


@asynccontextmanager
async def running(
    settings: Settings,
    listener: socket.socket,
    around: Callable[[Any], Any] | None = None,
    **brain_options: Unpack[BrainOptions],
) -> AsyncIterator[Running]:
    """Serves every door on `listener` while the context is open. Raises SetupError when it cannot begin.

    At its end requests in flight are finished, then the brain is drained and closed. `around` makes
    the app that is served of the web app; `brain_options` are those of Brain.open.
    """
    app = create_app(settings, **brain_options)
    with listener:
        async with (
            app.router.lifespan_context(app),
            serving(around(app) if around else app, listener) as server,
        ):
            brain: Brain = app.state.brain
            looking = asyncio.create_task(look_when_quiet(lambda: brain.calls.live))
            try:
                yield Running(url_of(listener), brain, server)
            finally:
                looking.cancel()
                await finish_speaking(app.state.relays.values(), lambda: server.force_exit)


@asynccontextmanager
async def serving(app: Any, listener: socket.socket) -> AsyncIterator[uvicorn.Server]:
    """Uvicorn, without its own signals, logs and lifespan."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws=_websocket,  # type: ignore[arg-type]  # uvicorn calls it as it would call a protocol class
        ws_max_size=MAX_FRAME_BYTES,
        ws_per_message_deflate=False,  # two zlib windows for each open call, for frames of 100 bytes
        log_config=None,
        access_log=False,
        proxy_headers=False,  # OFFHOOK_TRUSTED_PROXIES says whom to believe; the peer stays the peer
        timeout_graceful_shutdown=GRACE_S,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
    ticking = asyncio.create_task(_tick(server))
    try:
        yield server
    finally:
        server.should_exit = True
        ticking.cancel()
        await asyncio.wait([ticking])
        await server.shutdown(sockets=[listener])


async def _tick(server: uvicorn.Server) -> None:
    """Keep the date of answers right. Uvicorn's own loop wakes ten times a second though nobody calls."""
    while True:
        await server.on_tick(0)
        await asyncio.sleep(TICK_S)


def _websocket(*args: Any, **kwargs: Any) -> asyncio.Protocol:
    """Uvicorn's WebSocket protocol, loaded with the first socket: an idle server saves 2.5 MB."""
    from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

    protocol = WebSocketsSansIOProtocol(*args, **kwargs)
    # Of each socket it logs the path, in which a ticket stands; from this logger only warnings come through.
    protocol.logger = protocol.conn.logger = logging.getLogger("uvicorn.websockets")
    return protocol


def url_of(listener: socket.socket) -> str:
    """The URL of what listens there."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    """uvloop's loop, where there is one."""
    try:
        import uvloop  # optional: not on Windows
    except ImportError:
        return None
    return uvloop.Loop
