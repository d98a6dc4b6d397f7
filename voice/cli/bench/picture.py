"""The figures of a run as one SVG picture: what is promised, what each load cost, where the CPU went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from voice.cli.bench.marks import Marked, Verdict, cpu_ratio
from voice.cli.bench.run import Measured
from voice.cli.bench.show import stage_ms

WIDTH, MARGIN, ROW, GAP = 960, 32, 26, 34  # pixels
LABELS, BAR = 364, 270  # where bars begin, and how long one is that just keeps its promise
COLOURS: dict[Verdict, str] = {"goal": "#1a7f5a", "must": "#5aa469", "missed": "#c0392b", "unsure": "#8a8f98"}
OURS, FLOOR, INK, FAINT = "#2f5d9b", "#b8c4d6", "#1d2330", "#6b7280"
STAGES = ("#2f5d9b", "#4f86c6", "#7fb2e5", "#e0a458", "#c97b4a", "#8d5a97", "#9aa5b1", "#5c6773")
HINT = "a full bar just keeps the promise, the tick is the goal; grey: the machine was too busy to tell"
MAX_FULL = 1.25  # a bar that misses by more is cut here, and says in it how many times what is allowed


class _Canvas:
    """SVG, line by line; `y` is where the next one stands."""

    def __init__(self) -> None:
        self.y = MARGIN
        self._parts: list[str] = []

    def text(
        self,
        x: float,
        words: str,
        *,
        size: int = 13,
        colour: str = INK,
        weight: str = "normal",
        end: bool = False,
    ) -> None:
        anchor = ' text-anchor="end"' if end else ""
        self._parts.append(
            f'<text x="{x:.1f}" y="{self.y:.1f}" font-size="{size}" font-weight="{weight}" '
            f'fill="{colour}"{anchor}>{escape(words)}</text>'
        )

    def bar(
        self, x: float, width: float, colour: str, *, height: float = 13.0, up: float = 11.0, title: str = ""
    ) -> None:
        told = f"<title>{escape(title)}</title>" if title else ""
        self._parts.append(
            f'<rect x="{x:.1f}" y="{self.y - up:.1f}" width="{max(width, 0.5):.1f}" height="{height:.1f}" '
            f'rx="2" fill="{colour}">{told}</rect>'
        )

    def heading(self, words: str, hint: str = "") -> None:
        self.y += GAP - ROW
        self.text(MARGIN, words, size=15, weight="600")
        self.text(LABELS, hint, size=11, colour=FAINT)
        self.y += ROW

    def done(self, label: str) -> str:
        height = self.y + MARGIN / 2
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
            f'height="{height:.0f}" role="img" aria-label="{escape(label)}" '
            'font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif">\n'
            f'<rect width="{WIDTH}" height="{height:.0f}" fill="#ffffff"/>\n'
            + "\n".join(self._parts)
            + "\n</svg>\n"
        )


def picture(measured: Sequence[Measured], marks: Sequence[Marked], began_on: datetime) -> str:
    """The picture as SVG text. Needs no font and no script, so it may stand in any report."""
    canvas = _Canvas()
    canvas.y += 8
    canvas.text(MARGIN, "Offhook: what a turn costs", size=20, weight="600")
    canvas.y += ROW
    canvas.text(MARGIN, f"offhook bench, {began_on:%Y-%m-%d %H:%M} UTC", colour=FAINT)
    canvas.y += ROW
    if marks:
        _draw_marks(canvas, marks)
    turned = [one for one in measured if one.ours.of(lambda each: each.cpu_ms) is not None]
    if turned:
        _draw_costs(canvas, turned)
    for one in measured:
        if stages := stage_ms(one):
            _draw_stages(canvas, f"Where a turn's CPU goes ({one.door}, {one.shape.title})", stages)
    return canvas.done("Offhook: what a turn costs")


def _draw_marks(canvas: _Canvas, marks: Sequence[Marked]) -> None:
    canvas.heading("What we hold ourselves to", HINT)
    for one in marks:
        full = _fullness(one)
        canvas.text(MARGIN, f"{one.mark.label} ({one.door})")
        canvas.bar(LABELS, BAR, "#eef1f5")
        canvas.bar(LABELS, BAR * min(full, MAX_FULL), COLOURS[one.verdict], title=one.verdict)
        if one.mark.must and one.mark.goal:
            goal = one.mark.must / one.mark.goal if one.mark.at_least else one.mark.goal / one.mark.must
            canvas.bar(LABELS + BAR * goal, 1.5, INK, height=17, up=13)
        if full > MAX_FULL:
            canvas.text(LABELS + BAR * MAX_FULL - 5, f"{full:.1f} ×", size=10, colour="#ffffff", end=True)
        told = f"{one.mark.shown(one.value)} ({one.mark.limit(one.mark.must)})"
        canvas.text(WIDTH - MARGIN, told, end=True, weight="600", colour=COLOURS[one.verdict])
        canvas.y += ROW


def _fullness(one: Marked) -> float:
    """How much of what is allowed was used: 1 just keeps the promise."""
    if one.mark.at_least:
        return one.mark.must / one.value if one.value else MAX_FULL
    if not one.mark.must:
        return MAX_FULL if one.value else 0.0
    return one.value / one.mark.must


def _draw_costs(canvas: _Canvas, measured: Sequence[Measured]) -> None:
    canvas.heading("CPU of a turn, beside the bare floor")
    ours = {id(one): one.ours.of(lambda each: each.cpu_ms) or 0.0 for one in measured}
    most = max(ours.values()) or 1.0
    for one in measured:
        floor = one.floor.of(lambda each: each.cpu_ms) if one.floor else None
        canvas.text(MARGIN, f"{one.shape.title} ({one.door})")
        canvas.bar(LABELS, BAR * ours[id(one)] / most, OURS, height=8, title="offhook")
        if floor is not None:
            canvas.bar(LABELS, BAR * floor / most, FLOOR, height=6, up=2, title="floor")
        ratio = cpu_ratio(one)
        beside = f" · floor {floor:.2f} ms · {ratio:.1f} ×" if floor is not None and ratio is not None else ""
        canvas.text(WIDTH - MARGIN, f"{ours[id(one)]:.2f} ms{beside}", end=True)
        canvas.y += ROW


def _draw_stages(canvas: _Canvas, heading: str, stages: dict[str, float]) -> None:
    canvas.heading(heading)
    whole, x = sum(stages.values()), float(MARGIN)
    for (stage, used), colour in zip(stages.items(), STAGES, strict=True):
        width = (WIDTH - 2 * MARGIN) * used / whole
        canvas.bar(x, width, colour, height=22, up=16, title=f"{stage}: {used:.2f} ms")
        x += width
    canvas.y += ROW
    column = (WIDTH - 2 * MARGIN) / 4
    for place, ((stage, used), colour) in enumerate(zip(stages.items(), STAGES, strict=True)):
        x = MARGIN + column * (place % 4)
        canvas.bar(x, 10, colour, height=10, up=9)
        canvas.text(x + 16, f"{stage} {used:.2f} ms", size=12)
        if place % 4 == 3:
            canvas.y += ROW - 4
