"""Builds everything from settings, closes it in reverse."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from voice.agents.load import load_agents
from voice.calls import Calls
from voice.errors import ModelError, SetupError
from voice.events import Bus
from voice.hosts import Hosts
from voice.models.base import ModelClient
from voice.routing.hedging import HedgePurse
from voice.routing.strategy import PACKAGED_LANGUAGE, ranked, speaks
from voice.routing.table import Price, Route
from voice.routing.thinking import Thinking
from voice.settings import RouteSettings, Settings, from_env, secret
from voice.store.base import Store
from voice.telemetry.event_lines import write_lines
from voice.telemetry.metrics import Metrics
from voice.telemetry.traces import set_up_traces
from voice.tools.all import TOOLS, Kit, tools_of
from voice.tools.base import Tool
from voice.turn.own import read_own_lines

if TYPE_CHECKING:
    import httpx

    from voice.tools.web import Web

log = logging.getLogger(__name__)

TO_DO_FOREIGN = "It answers others only: give this agent another route, or a model in OFFHOOK_EMBEDDED_MODEL."


class Brain:
    """Everything behind the doors: agents, store, routes, tools and calls, wired as the settings say.

    Used as a context. `clients` (or whole routes) and `store` stand in place of those that the settings name.
    Raises SetupError, with one line that says what to do, when something cannot be built or reached.
    """

    calls: Calls

    def __init__(
        self,
        settings: Settings,
        *,
        clients: Sequence[ModelClient | Route] | None = None,
        store: Store | None = None,
    ) -> None:
        self.settings = settings
        self.bus = Bus()
        self.metrics = Metrics(self.bus)
        write_lines(self.bus)
        self.tools: dict[str, Mapping[str, Tool]] = {}  # by agent, then by name
        self.agents = load_agents(settings.agents_dir, settings.agent, TOOLS)
        self.store = store or _store(settings)
        self.routes: list[Route] = []
        self._clients = clients
        self._wanted = [] if clients is not None else _wanted(settings, self.agents.names)
        self._stack = AsyncExitStack()

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        clients: Sequence[ModelClient | Route] | None = None,
        store: Store | None = None,
    ) -> Brain:
        """A brain to be used as a context."""
        return cls(settings, clients=clients, store=store)

    async def __aenter__(self) -> Brain:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def ready(self) -> list[str]:
        """Why calls cannot be taken as they should; empty when they can."""
        reasons = []
        if not self.routes:
            reasons.append("no route can be asked; callers hear fallbacks only")
        for route in self.routes:
            if route.is_local and (health := await route.client.health()).state not in {"warm", "busy"}:
                reasons.append(f"route {route.name}: {health.state} {health.detail}".strip())
        return reasons

    async def _open(self) -> None:
        if dsn := secret(self.settings.sentry_dsn):
            from voice.telemetry.sentry import set_up_sentry  # optional: 20 MB that most do not need

            self._stack.callback(set_up_sentry(dsn, self.bus))
        self._stack.callback(set_up_traces(self.bus, self._wanted))
        routes = self._build_routes()  # what is set wrong is said before a database is made
        self._stack.push_async_callback(self.store.close)
        await self.store.open()
        for route in routes:
            self._stack.push_async_callback(route.client.close)
            try:
                await route.client.open()
            except ModelError as exc:
                # The others answer meanwhile; ready() and the breaker say that this one does not.
                log.error(
                    "route.not_open", extra={"route": route.name, "error": str(exc), "to_do": exc.to_do}
                )
            self.routes.append(route)
        self.tools = self._build_tools()
        for name in self.agents.names:
            agent = self.agents.get(name)
            read_own_lines(agent)
            if unspoken := [one.name for one in routes if not speaks(one.language, agent.language)]:
                asked = {"agent": name, "language": agent.language, "route": ", ".join(unspoken)}
                log.warning("agent.speaks_another_language", extra={**asked, "to_do": TO_DO_FOREIGN})
        order = ranked(self.routes, self.settings.strategy) if self._clients is None else self.routes
        hosts = Hosts(self.routes, self.store, self.bus, lambda: self.calls.live > 0)
        self.calls = Calls(
            self.agents,
            self.store,
            order,
            self.tools,
            self.bus,
            self.settings.max_calls,
            purse=HedgePurse(self.settings.hedge_share),
            wake=hosts.wake,
        )
        await self._stack.enter_async_context(hosts)
        await self._stack.enter_async_context(self.calls)

    def _build_tools(self) -> dict[str, Mapping[str, Tool]]:
        agents = [self.agents.get(name) for name in self.agents.names]
        web: Web | None = None
        if any(agent.http_tools for agent in agents):
            from voice.tools.web import Web  # optional: 20 MB and half a second, and not while a caller waits

            web = Web()
            self._stack.push_async_callback(web.close)
        kits = {
            agent.name: Kit(
                self.store,
                agent.goodbye,
                agent.waits_for_goodbye,
                agent.transfer,
                self.agents.handoffs(agent),
                agent.http_tools,
                web,
            )
            for agent in agents
        }
        return {agent.name: tools_of(agent.tools, kits[agent.name]) for agent in agents}

    def _build_routes(self) -> list[Route]:
        if self._clients is not None:
            return [one if isinstance(one, Route) else Route(one) for one in self._clients]
        http: httpx.AsyncClient | None = None
        if any(one.kind != "embedded" for one in self._wanted):
            from voice.models.http import open_http  # optional: 25 MB that a local brain does not need

            http = open_http()
            self._stack.push_async_callback(http.aclose)
        return [
            Route(
                _client(one, self.settings, http),
                is_local=one.kind == "embedded",
                place=" ".join(part for part in (one.url, one.endpoint_id, one.lb_url, one.model) if part),
                price=_price(one, self.settings.runpod_gpu),
                language=_language(one, self.settings),
                twins=f"runpod {one.model or ''}" if one.kind == "runpod" else None,
                thinking=Thinking(one.name in self.settings.thinking_routes),
            )
            for one in self._wanted
        ]


def _wanted(settings: Settings, agents: Sequence[str]) -> list[RouteSettings]:
    """The routes that the settings name, as far as the strategy uses them."""
    wanted = _endpoints(settings)
    if settings.llm_endpoint:
        wanted.append(
            RouteSettings(
                name="llm",
                kind="openai",
                url=settings.llm_endpoint,
                model=settings.llm_model,
                usd_per_1m_prompt=settings.llm_usd_per_1m_prompt,
                usd_per_1m_completion=settings.llm_usd_per_1m_completion,
            )
        )
    wanted.extend(settings.routes)
    if not any(one.kind == "embedded" for one in wanted):
        wanted.append(RouteSettings(name="embedded", kind="embedded"))
    if same := {one.name for one in wanted} & set(agents):
        raise SetupError(
            f"an agent and a route are both called {same.pop()!r}; give one of them another name"
        )
    if len({one.name for one in wanted}) < len(wanted):
        raise SetupError(
            "routes: two routes have the same name; give each [[routes]] table a name of its own"
        )
    local = {"remote_only": False, "local_only": True}.get(settings.strategy)
    used = [one for one in wanted if local is None or (one.kind == "embedded") == local]
    if not used:
        raise SetupError(
            "OFFHOOK_STRATEGY is remote_only without a remote route; set RUNPOD_ENDPOINT_ID or LLM_ENDPOINT"
        )
    return used


def _endpoints(settings: Settings) -> list[RouteSettings]:
    """RunPod's endpoints, each a route; the load balancer stands before the first one's queue."""
    ids: list[str | None] = [
        part.strip() for part in (settings.runpod_endpoint_id or "").split(",") if part.strip()
    ]
    if settings.runpod_lb_url and not ids:
        ids = [None]
    return [
        RouteSettings(
            name=f"runpod-{place}" if place > 1 else "runpod",
            kind="runpod",
            url=settings.runpod_base_url,
            model=settings.runpod_model,
            endpoint_id=endpoint_id,
            lb_url=settings.runpod_lb_url if place == 1 else None,
            usd_per_hour=settings.runpod_usd_per_hour,
        )
        for place, endpoint_id in enumerate(ids, 1)
    ]


def _language(one: RouteSettings, settings: Settings) -> str | None:
    """The only language of a route's model, if that is known: a user's own model speaks what it speaks."""
    return PACKAGED_LANGUAGE if one.kind == "embedded" and settings.embedded_model is None else None


def _price(one: RouteSettings, gpu: str | None) -> Price | None:
    """What a route costs; None where nobody has said. The embedded model costs nothing."""
    if one.kind == "embedded":
        return Price()
    if one.kind == "runpod" and one.usd_per_hour is None and gpu:
        from voice.models.runpod_prices import AS_OF, usd_per_hour  # late: most brains ask for no price

        if (listed := usd_per_hour(gpu)) is None:
            raise SetupError(
                f"OFFHOOK_RUNPOD_GPU {gpu!r} has no price in the list of {AS_OF}; "
                "set OFFHOOK_RUNPOD_USD_PER_HOUR"
            )
        return Price(usd_per_hour=listed)
    told = (one.usd_per_hour, one.usd_per_1m_prompt, one.usd_per_1m_completion)
    return None if all(part is None for part in told) else Price(*(part or 0.0 for part in told))


def _client(one: RouteSettings, settings: Settings, http: httpx.AsyncClient | None) -> ModelClient:
    """The client of a route. Kinds are imported when they are used: a brain pays for what it asks."""
    if one.kind == "embedded":
        from voice.engines.onnx import OnnxEngine
        from voice.models.embedded import EmbeddedClient

        folder = settings.embedded_model
        if folder is not None and not (folder / "genai_config.json").is_file():
            raise SetupError(f"OFFHOOK_EMBEDDED_MODEL is {folder}: no model is there (no genai_config.json)")
        return EmbeddedClient(one.name, OnnxEngine(settings.embedded_model, calls=settings.embedded_calls))
    assert http is not None
    if one.kind == "runpod":
        from voice.models.runpod import RunPodClient

        key_env = one.key_env or "RUNPOD_API_KEY"
        key = from_env(one.key_env) if one.key_env else secret(settings.runpod_api_key)
        if not key:
            raise SetupError(f"route {one.name!r} asks RunPod without a key; set {key_env}")
        if not one.endpoint_id and not one.lb_url:
            raise SetupError(
                f"routes.{one.name}.endpoint_id is missing; write the id of its serverless endpoint"
            )
        url = one.url or settings.runpod_base_url
        ways = settings.runpod_via
        return RunPodClient(
            one.name,
            one.endpoint_id,
            key,
            url,
            ways,
            http=http,
            key_env=key_env,
            lb_url=one.lb_url,
            model=one.model,
        )
    from voice.models.openai import OpenAIClient

    if not one.url or not one.model:
        missing = "LLM_MODEL is not set" if one.name == "llm" else f"routes.{one.name} needs url and model"
        raise SetupError(
            f"route {one.name!r} cannot be asked: {missing}; name the server's /v1 base and the model"
        )
    key = secret(settings.llm_api_key) if one.name == "llm" else from_env(one.key_env)
    if one.key_env and not key:
        raise SetupError(f"route {one.name!r} names a key that is not there; set {one.key_env}")
    return OpenAIClient(one.name, one.url, one.model, key, http)


def _store(settings: Settings) -> Store:
    """The store that the database's URL names."""
    url = settings.database
    if url.startswith("memory:"):
        from voice.store.memory import MemoryStore

        return MemoryStore()
    from voice.store.sql import SqlStore  # optional: SQLAlchemy takes a quarter of a second to import

    return SqlStore(url)
