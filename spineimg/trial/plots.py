"""Curves of the trial report as SVG, with the numbers at risk beneath."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from spineimg.trial.samples import Sample

INK = "#1b1f23"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9")
"""Okabe & Ito 2008: told apart by the colour-blind; line styles tell them apart in grey."""
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)))
_STEP_DAYS = 90
_TICKS = 9
_LEAST_AT_RISK = 0.1
"""Curves end where less than this share is at risk: what follows rests on a handful (Pocock 2002, Lancet
359:1686, names 10 to 20 %). The tables hold every step."""

Row = Mapping[str, Any]


def survival_plot(sample: Sample, rows: Sequence[Row], npmle: Sequence[Row]) -> str:
    """Kaplan-Meier with limits, the interval-censored estimate beside it, at risk beneath."""
    figure = Figure(figsize=(8.2, 4.9), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(5, 1))
    days = np.array([r["time_days"] for r in rows], dtype=float)
    curve = np.array([r["estimate"] for r in rows], dtype=float)
    low = np.array([r["estimate"] if r["low"] is None else r["low"] for r in rows], dtype=float)
    high = np.array([r["estimate"] if r["high"] is None else r["high"] for r in rows], dtype=float)
    above.step(
        days, 100 * curve, where="post", color=COLOURS[0], label="Kaplan-Meier (right end of the interval)"
    )
    above.fill_between(
        days, 100 * low, 100 * high, step="post", color=COLOURS[0], alpha=0.18, lw=0, label="95 % limits"
    )
    _npmle(above, npmle)
    above.set_ylabel("Free of the event (%)")
    above.set_ylim(0, 101)
    above.legend(loc="lower left", frameon=False)
    _time_axis(above, below, ("levels" if sample.unit == "level" else "patients", sample.last))
    return _svg(figure)


def incidence_plot(sample: Sample, rows: Sequence[Row]) -> str:
    """Cumulative incidence of the event and of each competing cause, at risk beneath."""
    figure = Figure(figsize=(8.2, 4.9), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(5, 1))
    top, end = 10.0, _last_day(sample.end)
    for k, cause in enumerate(sample.causes):
        own = [r for r in rows if r["cause"] == cause]
        days = np.array([0.0, *(r["time_days"] for r in own)])
        curve = 100 * np.array([0.0, *(r["estimate"] for r in own)])
        low = 100 * np.array([0.0, *(r["estimate"] if r["low"] is None else r["low"] for r in own)])
        high = 100 * np.array([0.0, *(r["estimate"] if r["high"] is None else r["high"] for r in own)])
        colour = COLOURS[k % len(COLOURS)]
        above.step(
            days, curve, where="post", color=colour, ls=STYLES[k % len(STYLES)], label=_cause_words(cause)
        )
        above.fill_between(days, low, high, step="post", color=colour, alpha=0.12, lw=0)
        top = max(top, float(high[days <= end].max()))
    above.set_ylabel("Cumulative incidence (%)")
    above.set_ylim(0, min(101.0, top * 1.1))
    above.legend(loc="upper left", frameon=False)
    _time_axis(above, below, ("levels" if sample.unit == "level" else "patients", sample.end))
    return _svg(figure)


def forest_plot(models: Sequence[tuple[str, Sequence[Row]]]) -> str:
    """Hazard ratios with limits, one row a covariate and model."""
    names = list(dict.fromkeys(r["covariate"] for _, rows in models for r in rows))
    figure = Figure(figsize=(8.2, 0.7 + 0.62 * max(1, len(names))), layout="constrained")
    axes = figure.subplots()
    for k, (label, rows) in enumerate(models):
        place = [-names.index(r["covariate"]) - 0.22 * (k - (len(models) - 1) / 2) for r in rows]
        centre = np.array([r["hazard_ratio"] for r in rows])
        spans = np.array([[r["hazard_ratio"] - r["low"], r["high"] - r["hazard_ratio"]] for r in rows]).T
        if len(rows):
            axes.errorbar(
                centre, place, xerr=spans, fmt="osD"[k % 3], color=COLOURS[k], capsize=3, ms=5, label=label
            )
    axes.axvline(1.0, color=INK, lw=0.8)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks([-n for n in range(len(names))], [n.replace("_", " ") for n in names])
    axes.set_xlabel("Hazard ratio for one unit of the covariate (log scale)")
    axes.legend(loc="upper right", frameon=False, fontsize=8)
    return _svg(figure)


def _npmle(axes: Any, rows: Sequence[Row]) -> None:
    """Flat where the data fix the curve; slanted inside an innermost interval, where they do not."""
    if not rows:
        return
    points = [(0.0, 100.0)]
    for row in rows:
        points.append((row["from_days"], points[-1][1]))
        if row["to_days"] is not None:
            points.append((row["to_days"], 100 * row["estimate"]))
    x, y = np.array(points).T
    axes.plot(x, y, color=COLOURS[1], ls="--", lw=1.2, label="interval-censored estimate")


def _cause_words(cause: str) -> str:
    return "fracture or progression (the endpoint)" if cause == "event" else f"{cause} (competing)"


def _last_day(ends: Any) -> float:
    """Last day on which enough are still at risk to draw a curve; 0 without anybody."""
    ordered = np.sort(np.asarray(ends, dtype=float))[::-1]
    return float(ordered[int(_LEAST_AT_RISK * len(ordered))]) if len(ordered) else 0.0


def _time_axis(above: Any, below: Any, group: tuple[str, Any]) -> None:
    """The same days for the curves and, beneath them, the numbers at risk: whose row has not ended before."""
    name, ends = group
    last = max(_last_day(ends), 1.0)
    step = _STEP_DAYS
    while last / step > _TICKS:
        step *= 2
    ticks = list(range(0, int(last) + 1, step))
    for axes in (above, below):
        axes.set_xlim(-0.02 * last, last)
    above.set_xticks(ticks)
    above.set_xlabel("Days since the baseline scan")
    above.spines[["top", "right"]].set_visible(False)
    below.set_ylim(-1, 1)
    below.axis("off")
    for day in ticks:
        still = str(int((np.asarray(ends) >= day).sum()))
        below.text(day, 0, still, ha="center", va="center", fontsize=9)
    below.text(0, 0.85, f"At risk ({name})", ha="left", va="center", fontsize=9, style="italic")


def _svg(figure: Figure) -> str:
    """SVG text that is the same for the same figure."""
    out = io.StringIO()
    with rc_context({"svg.hashsalt": "spineimg", "svg.fonttype": "none", "font.family": "sans-serif"}):
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(out, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    return text[text.index("<svg") :]
