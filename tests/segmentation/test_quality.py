"""The figures of scripts/evaluate_models.py on cases whose answer is known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from quality import scans
from quality.compare import Place, centres, lesion_rows, surface_mm, vertebra_rows
from quality.figures import calibration, figure

from spineimg.core.estimate import Estimate
from spineimg.core.grid import Grid
from spineimg.core.labelmap import LabelMap, LesionType, NameDoubt
from spineimg.core.levels import Level
from spineimg.core.measurements import LesionMeasurement, Measurements, StructureShares
from spineimg.core.volume import Modality, Volume

GRID = Grid((20, 20, 40), np.diag([1.0, 1.0, 1.0, 1.0]))


def _column(shift: int) -> np.ndarray:
    array = np.zeros(GRID.shape, np.uint8)
    array[4:14, 4:14, 4 + shift : 14 + shift] = Level.L2.verse_id
    array[4:14, 4:14, 20 + shift : 30 + shift] = Level.L1.verse_id
    return array


def test_rows_give_dice_distance_and_names() -> None:
    reference = _column(0)
    ours = _column(2)
    ours[ours == Level.L2.verse_id] = Level.L3.verse_id  # one wrong name, not flagged
    doubts = (NameDoubt(Level.L1, (Level.L1, Level.L2), 0.6), NameDoubt(Level.L3, (Level.L3,), 0.9))
    labels = LabelMap(ours, GRID, names=doubts)
    places = [Place(frozenset({k}), at, k.verse_id) for k, at in centres(reference, GRID).items()]
    rows = {row["level"]: row for row in vertebra_rows(labels, places, reference)}
    assert rows["L1"]["dice"] == pytest.approx(0.8)
    assert rows["L1"]["centre_mm"] == pytest.approx(2.0)
    assert (rows["L1"]["right"], rows["L1"]["flagged"], rows["L1"]["silent"]) == (1.0, 1.0, 0.0)
    assert (rows["L2"]["dice_name"], rows["L2"]["silent"], rows["L2"]["confidence"]) == (0.0, 1.0, 0.9)


def test_surface_of_a_shifted_plate() -> None:
    a = np.zeros((30, 30, 30), bool)
    a[2:28, 2:28, 10:12] = True
    moved = np.roll(a, 3, axis=2)
    assert surface_mm(a, a, np.ones(3)) == 0.0
    assert surface_mm(a, moved, np.array([1.0, 1.0, 2.0])) == pytest.approx(5.0, abs=1.1)


def _mark(number: int, status: str, quality: tuple[str, ...]) -> LesionMeasurement:
    return LesionMeasurement(
        number, Level.L1, status, None, quality, Estimate.from_sd(0.1, 0.01), None, None,  # type: ignore[arg-type]
        StructureShares(), (), (), (0.0, 0.0, 0.0),
    )  # fmt: skip


def test_lesions_are_found_missed_and_false() -> None:
    truth, ours = np.zeros(GRID.shape, np.uint8), np.zeros(GRID.shape, np.uint8)
    truth[2:8, 2:8, 2:8] = 1
    truth[2:8, 2:8, 20:26] = 2
    ours[5:8, 2:8, 2:8] = 1  # half of the first
    ours[14:18, 14:18, 30:34] = 2  # of nothing
    types = np.where(truth == 1, int(LesionType.LYTIC), int(LesionType.BLASTIC)).astype(np.uint8)
    labels = LabelMap(_column(0), GRID, lesions=ours)
    measured = Measurements((), (_mark(1, "likely", ("lytic",)), _mark(2, "doubtful", ("blastic",))), ())
    rows = lesion_rows(labels, measured, (truth, types))
    lesions = [(r["kind"], r["scored"], r.get("quality_right")) for r in rows if r["row"] == "lesion"]
    assert lesions == [("lytic", 1.0, 1.0), ("blastic", 0.0, None)]
    assert [r["false"] for r in rows if r["row"] == "mark"] == [0.0, 1.0]


def test_intervals_draw_cases_and_calibration_is_the_gap() -> None:
    rows = [
        {"case": str(n % 6), "x": float(n % 2), "confidence": 0.9, "right": float(n % 2)} for n in range(60)
    ]
    got = figure(rows, "x")
    assert (got["n"], got["cases"], got["mean"], got["drawn"]) == (60, 6, 0.5, "cases")
    assert (got["low"], got["high"]) == (0.1667, 0.8333)  # of six cases, one to five are all 1
    assert figure(rows[:4], "x")["drawn"] == "rows"
    assert calibration(rows)["ece"] == pytest.approx(0.4)


def test_a_copy_that_lies_askew_turns_image_and_mask_alike() -> None:
    reference = _column(0)
    image = np.where(reference > 0, 400, 40).astype(np.int16)
    places = tuple(Place(frozenset({k}), at, k.verse_id) for k, at in centres(reference, GRID).items())
    case = scans.Case(Volume(image, GRID, Modality.CT), places, reference)
    copy = scans.COPIES["lying"](case)
    assert copy is not None and copy.reference is not None
    bone = copy.volume.array > 220  # the middle of the image's edge
    assert 2 * (bone & (copy.reference > 0)).sum() > 0.95 * (bone.sum() + (copy.reference > 0).sum())
    assert ((copy.reference > 0) != (reference > 0)).sum() > 100
    shift = [
        np.linalg.norm(p.centre_lps_mm - q.centre_lps_mm) for p, q in zip(copy.places, places, strict=True)
    ]
    assert min(shift) > 0.5 and max(shift) < 4.0  # a turn about the middle moves what lies far from it
