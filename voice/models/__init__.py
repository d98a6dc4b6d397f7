"""Whoever can write a reply: clients of model hosts, all behind one seam."""

import sys

# httpx has a command of its own, which brings rich, pygments and click: 3 MB that nobody here runs.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # so an import finds that it is not there
