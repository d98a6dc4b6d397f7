"""What commands print: lines, a conversation, progress. Rich is loaded only where it is drawn with."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


FILE_WIDTH = 200  # columns, where no terminal has a width


class Failed(typer.TyperException):
    """The command could not do what was asked; the message says why and what to do. Exit status 1."""


def console(stream: TextIO | None = None) -> Console:
    """Rich's console; never wraps what goes into a file or a pipe."""
    from rich.console import Console  # late: a tenth of a second

    out = stream or sys.stdout
    width = None if out.isatty() else FILE_WIDTH
    return Console(file=out, highlight=False, width=width)


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """An empty table without lines; the columns named in `right` are flush right."""
    from rich.table import Table  # late: see above

    drawn = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        drawn.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return drawn


def dim(text: str) -> str:
    """Less important; plain where nobody sees colours."""
    return typer.style(text, dim=True)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A spinner on stderr while something takes longer than a second; nothing where nobody sees it."""
    if not sys.stderr.isatty():
        yield
        return
    with console(sys.stderr).status(what):
        yield


def need_place(file: Path | None) -> None:
    """Raise Failed when a file cannot be written, before the work whose figures go into it."""
    if file is None:
        return
    if file.is_dir():
        raise Failed(f"{file} is a folder; name a file in it")
    if not file.absolute().parent.is_dir():
        raise Failed(f"{file}: there is no folder {file.absolute().parent}; make it first")
    if not os.access(file if file.exists() else file.absolute().parent, os.W_OK):
        raise Failed(f"{file} may not be written; name another file")


@contextmanager
def quiet() -> Iterator[None]:
    """No log lines: what goes wrong on purpose is no news."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
