"""The caller's leg of a Twilio call: it runs one TwiML document after the other, until one runs out.

A task of its own, as at Twilio: while nobody speaks, sessions drop and reconnect, agents ask whether
anybody is still there, and hang up.

Source: Twilio's pages on TwiML, "Gather", "Dial", "Connect" and "ConversationRelay".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from voice.errors import BadRequest
from voice.simulate.twilio.dial import Person, Telephone
from voice.simulate.twilio.documents import Documents, TwilioPlay
from voice.simulate.twilio.frames import setup_frame
from voice.simulate.twilio.gather import Gathering
from voice.simulate.twilio.hearing import Hearing
from voice.simulate.twilio.http import Webhooks
from voice.simulate.twilio.relay_line import RelaySession, SessionEnd
from voice.simulate.twilio.socket import OpenSocket
from voice.simulate.twiml import (
    Connect,
    Dial,
    Gather,
    Hangup,
    Link,
    Pause,
    Record,
    Recording,
    Redirect,
    Say,
    Verb,
)

NO_SOCKET = "64102"
MESSAGE = (("RecordingUrl", "https://api.twilio.com/Recordings/RE1"), ("RecordingDuration", "5"))


class Leg:
    """One leg. `who` holds the fields that every webhook carries, without the CallStatus.

    `listener` is what hears the caller; `listens` is set while there is one, and when the call is over.
    `dials` says what the person does who is dialled next; `told` hears in words what Twilio does.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        who: Mapping[str, str],
        hearing: Hearing,
        open_socket: OpenSocket,
        *,
        play: TwilioPlay,
        dials: Callable[[], Person],
        told: Callable[[str], None],
    ) -> None:
        self.listener: Gathering | RelaySession | None = None
        self.listens, self.is_over = asyncio.Event(), False
        self.recordings: list[Link] = []  # who is told of them at the end
        self._documents = Documents(webhooks, who, hearing, play, told)
        self._webhooks, self._who, self._hearing = webhooks, who, hearing
        self._open_socket, self._play, self._dials, self._told = open_socket, play, dials, told
        self._task: asyncio.Task[None] | None = None

    @property
    def session(self) -> RelaySession | None:
        """The session that hears the caller, if it is one."""
        return self.listener if isinstance(self.listener, RelaySession) else None

    def begin(self, url: str) -> None:
        """The call comes in: its first document is at `url`."""
        self._task = asyncio.create_task(self._run(url))

    def check(self) -> None:
        """Raises what made Twilio give up."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()

    async def end(self) -> None:
        """The caller hangs up. A session is ended in order; anything else just stops."""
        if self._task is None:
            return
        if self.session is not None:
            await self.session.leave()
        else:
            self._task.cancel()
        await asyncio.wait({self._task})

    async def _run(self, url: str) -> None:
        try:
            verbs = await self._documents.fetch(url, (), self._play.method, status="ringing")
            while verbs:
                verb, verbs = verbs[0], verbs[1:]
                following = await self._do(verb)
                verbs = verbs if following is None else following
            await self._hearing.aloud.end()
        finally:
            self.is_over, self.listener = True, None
            self._hearing.ready.set()
            self.listens.set()

    async def _do(self, verb: Verb) -> list[Verb] | None:
        """Do one verb; what follows it, where that is not the next one."""
        match verb:
            case Say():
                self._hearing.say(verb.text)
                return None
            case Gather():
                return await self._gather(verb)
            case Recording():
                said = self._hearing.heard()
                self._told(f"a recording begins, behind {said!r}" if said else "a recording begins")
                self.recordings += [verb.told] if verb.told else []
                return None
            case Hangup():
                return []
        await self._hearing.aloud.end()
        match verb:
            case Redirect():
                return await self._documents.fetch(verb.url, (), verb.method)
            case Connect():
                return await self._connect(verb)
            case Dial():
                return await self._dial(verb)
            case Record():
                self._told("the caller leaves a message")
                url = verb.action or self._documents.url
                return await self._documents.fetch(url, MESSAGE, verb.method)
            case Pause() if self._hearing.aloud.chars_per_s:
                await asyncio.sleep(verb.seconds)
        return None

    async def _gather(self, verb: Gather) -> list[Verb] | None:
        for say in verb.says:
            self._hearing.say(say.text)
        gathering = Gathering(
            verb,
            self._documents.url,
            self._webhooks,
            self._documents.fields(),
            self._hearing.aloud,
            self._told,
        )
        self._listen(gathering)
        self._hearing.settle()
        result = await gathering.result()
        self._listen(None)
        if not result and not verb.on_empty:
            return None
        return await self._documents.fetch(verb.action or self._documents.url, result, verb.method)

    async def _dial(self, verb: Dial) -> list[Verb] | None:
        telephone = Telephone(self._webhooks, self._who, self._hearing.aloud, self._told)
        outcome = await telephone.ring(verb, self._documents.url, self._dials())
        return await self._documents.fetch(verb.action, outcome, verb.method) if verb.action else None

    async def _connect(self, verb: Connect) -> list[Verb] | None:
        end = await self._in_session(verb)
        self._hearing.ready.clear()
        if end.status == "failed":
            self._told(f"Twilio error {end.code}: {end.message}")
        has_gone = end.status == "completed"  # the caller: nobody hears what is answered
        if verb.action is None:
            return [] if has_gone else None
        status = "completed" if has_gone else "in-progress"
        verbs = await self._documents.fetch(verb.action, end.fields(), verb.method, status=status)
        return [] if has_gone else verbs

    async def _in_session(self, verb: Connect) -> SessionEnd:
        target, public = self._webhooks.socket(verb.relay.url)
        try:
            socket = await self._open_socket(target, self._webhooks.signature(public))
        except BadRequest as exc:
            return SessionEnd("failed", code=NO_SOCKET, message=str(exc))
        hearing = self._hearing
        hearing.aloud.start()  # what was said before the socket is said, and is no word of the session's
        session = RelaySession(
            verb.relay,
            socket,
            hearing.aloud,
            came=hearing.came,
            settled=hearing.settle,
            told=self._told,
            retell=self._play.retell,
        )
        hearing.voice = session.voice
        self._listen(session)
        if not hearing.owes and verb.relay.greeting is None:
            hearing.settle()
        try:
            return await session.run(setup_frame(self._who, verb.relay))
        finally:
            self._listen(None)
            hearing.session_over()

    def _listen(self, listener: Gathering | RelaySession | None) -> None:
        self.listener = listener
        if listener is None:
            self.listens.clear()
        else:
            self.listens.set()
