"""What answers at a played RunPod: every path of one endpoint, for clients, for workers, for its owner."""

from __future__ import annotations

import asyncio

from voice.simulate.loopback import Receive, Scope, Send
from voice.simulate.runpod.balancer import Balancer
from voice.simulate.runpod.clients import ClientSide
from voice.simulate.runpod.faults import RunPodFaults
from voice.simulate.runpod.inside import Worker
from voice.simulate.runpod.jobs import Bell
from voice.simulate.runpod.limits import Limits
from voice.simulate.runpod.platform import WorkerSide
from voice.simulate.runpod.queue import JobQueue
from voice.simulate.runpod.request import Refusal, Request, reply, request_of
from voice.simulate.runpod.rest import RestStandIn
from voice.types import Json

JOBS = "v2"  # the job API's path; behind it the endpoint's id
LB = "lb"  # the path below which the endpoint is load-balanced: RunPod has a host of its own for that
REST = "rest"  # the management API's path, another host at RunPod
OPENAI = "openai"


class Edge:
    """A web app that is one endpoint. `refuses` names operations and the status they are refused with:
    {"stream": 405}. `tells_health` replaces the answer of /health.
    """

    def __init__(
        self, key: str, endpoint_id: str, queue: JobQueue, worker: Worker | None, lb_target: str | None
    ) -> None:
        self.key, self.endpoint_id, self.queue = key, endpoint_id, queue
        self.refuses: dict[str, int] = {}
        self.tells_health: Json = None
        self.asked: list[str] = []  # operations, in order
        self.was_asked = Bell()  # rings with each of them
        self.balancer = Balancer(queue, worker, lb_target)
        self.rest = RestStandIn(lambda: queue.staff.told(queue.jobs.values(), queue.capacity))
        self.rest.add(endpoint_id, image="offhook-worker:played", gpu={"pools": ["ADA_24"], "count": 1})
        self._faults: RunPodFaults = queue.faults
        self._limits = Limits(queue.faults.rates)
        self._clients, self._workers = ClientSide(queue), WorkerSide(queue)
        self.pings = self._workers.pings  # what workers told of themselves

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._answer(scope, receive, send)
        except Refusal as end:
            await reply(send, end.status, end.body)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if headers.get(b"authorization", b"").decode("latin-1").removeprefix("Bearer ") != self.key:
            raise Refusal(401, {"error": "Unauthorized"})
        root, *path = scope["path"].strip("/").split("/")
        if [root, *path[:1]] == [REST, JOBS]:
            await self.rest.carry(await request_of(scope, receive, send, path[1:]))
            return
        if root != LB and [root, *path[:1]] != [JOBS, self.endpoint_id]:
            raise Refusal(404, {"error": "Not found"})
        operation = LB if root == LB else "".join(path[1:2])
        self._note(operation)
        async with self._limits.place(operation):
            path = path if root == LB else [*path[2:], "", ""]
            await self._do(operation, await request_of(scope, receive, send, path))

    def _note(self, operation: str) -> None:
        """Counts a request that is for us. Raises Refusal when it is to be refused."""
        if operation not in (LB, OPENAI, *self._clients.operations, *self._workers.operations):
            raise Refusal(404, {"error": "Not found"})
        self.asked.append(operation)
        self.was_asked.ring()
        if operation in self.refuses:
            raise Refusal(self.refuses[operation], {"error": "refused"})

    async def _do(self, operation: str, request: Request) -> None:
        if operation in self._workers.operations:
            methods, work = self._workers.operations[operation]
        else:
            await self._lag()
            if operation in (LB, OPENAI):
                await (self.balancer.carry if operation == LB else self._clients.openai)(request)
                return
            methods, work = self._clients.operations[operation]
        if request.method not in methods.split():
            raise Refusal(405, {"error": "Method not allowed"})
        answer = await work(request)
        if operation == "health" and self.tells_health is not None:
            answer = self.tells_health
        await reply(request.send, 200, answer)

    async def _lag(self) -> None:
        """What every client meets: a long line, and an edge that fails now and then."""
        if self._faults.line_s:
            await asyncio.sleep(self._faults.line_s)
        if self.queue.dice.hits(self._faults.fails):
            raise Refusal(500, {"error": "internal error"})
