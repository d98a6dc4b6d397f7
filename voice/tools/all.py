"""Every tool there is, by name, and how an agent gets its own. A new tool is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from voice.store.base import Store
from voice.tools.base import Tool
from voice.tools.callback import CallbackTool
from voice.tools.end_call import EndCallTool
from voice.tools.handoff import HandoffTool
from voice.tools.http_tool import HttpRequestTool, Way
from voice.tools.ticket import TicketStatusTool, TicketTool
from voice.tools.transfer import TransferTool
from voice.types import HandoffTarget, HttpTool, TransferTarget


@dataclass(frozen=True, slots=True)
class Kit:
    """What the tools of one agent are made of. `web` is needed where there are `http_tools`."""

    store: Store
    goodbye: str = ""
    waits_for_goodbye: bool = True
    targets: Sequence[TransferTarget] = ()
    handoffs: Sequence[HandoffTarget] = ()
    http_tools: Sequence[HttpTool] = ()
    web: Way | None = None


TOOLS: Mapping[str, Callable[[Kit], Tool]] = {
    "ticket": lambda kit: TicketTool(),
    "ticket_status": lambda kit: TicketStatusTool(kit.store),
    "callback": lambda kit: CallbackTool(),
    "transfer": lambda kit: TransferTool(kit.targets),
    "handoff": lambda kit: HandoffTool(kit.handoffs),
    "end_call": lambda kit: EndCallTool(kit.goodbye, waits_for_goodbye=kit.waits_for_goodbye),
}


def tools_of(names: Sequence[str], kit: Kit) -> Mapping[str, Tool]:
    """The tools that an agent lists, by name. A name is one of TOOLS, or one of its own HTTP tools."""
    own: dict[str, Tool] = {}
    if kit.web is not None:
        own = {tool.spec.name: HttpRequestTool(tool, kit.web) for tool in kit.http_tools}
    return {name: own[name] if name in own else TOOLS[name](kit) for name in names}
