"""The second generator: real label maps, deformed and painted, with truth by construction.

It shares no code with ``spineimg.phantom`` or ``spineimg.training``; from the package it uses core only.
Scripts in ``scripts/`` import it as ``painted`` (their folder is on the path); tests get the path from
``pyproject.toml``.

Interface
---------
``paint_seed(seed, length=9) -> Painted``
    One case: up to ``length`` levels of a real label map, one to three ill levels, any scan.
``draw_plan(seed, length) -> Plan`` and ``paint(plan, date=None) -> Painted``
    The same in two steps; a plan is a frozen record, change it with ``dataclasses.replace``
    (``plan.scan`` for another spacing, kernel, noise, turn of the same patient).
``pair(seed, loss_percent, length=9) -> (before, after, level)``
    One patient twice; ``level`` has lost ``loss_percent`` at its worst site in ``after`` (0: no change). The
    second scan has another spacing, orientation, noise, kernel and pose. `pair_plans` gives the two plans
    unpainted.
``paint_fracture(volume, labels, level, fracture) -> (volume, labels)``
    A real CT with masks (body in ``parts``, or whole vertebrae) with one body squeezed.

``Painted``: ``.plan``, ``.volume`` (`Volume`, HU), ``.labels`` (`LabelMap` with complete parts, lesions and
lesion types), ``.solids``, ``.truth``: ``{"measurements": {"vertebrae", "lesions", "segments"}, "sins"}``.
Records have the names of ``measurements.json`` with ``{"value": x}`` or None; vertebrae carry heights now and
``expected_heights_mm`` (before the painted fracture), so the loss is exact; the sacrum has no record.
``sins[level]["components"][name] = {"true": points, "open": [points], "clear": bool}``: ``open`` is what the
rules leave even to a perfect measurement of one scan, ``clear`` says that no border is near; ``band``,
``bands``, ``total``.
"""

from painted.fracture import Fracture
from painted.lesion import Lesion
from painted.make import Painted, paint, paint_seed, pair, pair_plans
from painted.plan import Joint, Plan, Scan, draw_plan
from painted.real import paint_fracture

__all__ = [
    "Fracture",
    "Joint",
    "Lesion",
    "Painted",
    "Plan",
    "Scan",
    "draw_plan",
    "paint",
    "paint_fracture",
    "paint_seed",
    "pair",
    "pair_plans",
]
