"""Every tool there is, by name. A new tool is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from voice.tools.base import Tool
from voice.tools.ticket import TicketTool

TOOLS: Mapping[str, Tool] = {tool.spec.name: tool for tool in (TicketTool(),)}
