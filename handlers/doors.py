"""Leads a request to its door, and answers the errors that the door lets through.

Starlette's own routes and router, but not the layers that it puts around them: a turn passes each layer at
each of its steps, and its answer with each piece. Nor is a path that was asked for before looked for again
among some sixty patterns.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from types import MappingProxyType

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route, Router
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from handlers.problems import error_answer, http_answer
from voice.errors import VoiceError

Endpoint = Callable[["Visit"], Awaitable[ASGIApp]]

Place = tuple[ASGIApp, Mapping[str, object]]
"""Where a path leads: a door, and the parts of the path that have a name."""

MAX_KNOWN, MAX_PATH_CHARS = 500, 200  # paths whose place is remembered


class Visit(Request):
    """A request at a door. Its body is read without the two generators of Starlette's."""

    async def body(self) -> bytes:
        if not hasattr(self, "_body"):
            parts: list[bytes] = []
            while not self._stream_consumed:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    self._is_disconnected = True
                    raise ClientDisconnect
                parts.append(message.get("body", b""))
                self._stream_consumed = not message.get("more_body", False)
            self._body = b"".join(parts)
        return self._body


class Answers:
    """A function from a request to its answer, as ASGI. Errors before the answer begins are answered here."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = Visit(scope, receive, send)
        try:
            answer = await self._endpoint(visit)
        except VoiceError as exc:
            answer = error_answer(visit, exc)
        except HTTPException as exc:
            answer = http_answer(visit, exc)
        del visit  # and with it the body: an answer may be spoken for a minute
        await answer(scope, receive, send)


class Doors(Router):
    """Starlette's router, which remembers where a path has led: platforms ask for the same ones again."""

    def __init__(
        self,
        routes: Iterator[BaseRoute],
        lost: Callable[[Request], Response],
        lifespan: Lifespan[Starlette] | None = None,
    ) -> None:
        """`lost` answers where nothing is. Both spellings of a path are routes: nobody follows a redirect."""
        super().__init__(list(routes), redirect_slashes=False, lifespan=lifespan)
        self._lost = lost
        self.known: dict[tuple[str, str], Place] = {}  # by method and path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        place = self.known.get((scope["method"], scope["path"])) or self._find(scope)
        if place is not None:
            door, scope["path_params"] = place
            await door(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        except HTTPException as exc:  # no route, or none for this method
            request = Request(scope)
            answer = self._lost(request) if exc.status_code == 404 else http_answer(request, exc)
            await answer(scope, receive, send)

    def _find(self, scope: Scope) -> Place | None:
        """The place of a path, looked for among all routes. None: no door takes it, or not this method."""
        for route in self.routes:
            match, found = route.matches(scope)
            if match is Match.FULL and isinstance(route, Route):
                place: Place = route.app, MappingProxyType(found["path_params"])  # several requests share it
                self._remember(scope, place)
                return place
        return None

    def _remember(self, scope: Scope, place: Place) -> None:
        if "call_id" in place[1] or len(scope["path"]) > MAX_PATH_CHARS:
            return  # a call's id is kept no longer than the call
        if len(self.known) >= MAX_KNOWN:
            self.known.clear()
        self.known[scope["method"], scope["path"]] = place


class Web(Starlette):
    """Starlette's app without its own outermost and innermost layer: ours catch what those would."""

    def build_middleware_stack(self) -> ASGIApp:
        app: ASGIApp = self.router
        for layer, args, kwargs in reversed(self.user_middleware):
            app = layer(app, *args, **kwargs)
        return app
