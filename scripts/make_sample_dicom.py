"""Write ``sample_dicom``: synthetic studies with their truth, the same bytes every time.

case01: CT of one drawn patient, baseline and follow-up half a year later (T9 to the sacrum). A lytic
lesion in L1 that breaks at follow-up, a sclerotic one in T10 and an old wedge of L3 that both stay.
case02: sagittal MR of another drawn patient, T1 and T2 look.
case03: traps, a localizer and a stack with a hole.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from spineimg.core.grid import Grid
from spineimg.core.levels import Level
from spineimg.core.volume import Modality, Volume
from spineimg.phantom import (
    FractureSpec,
    LesionSpec,
    PatientSpec,
    Phantom,
    PhantomSpec,
    ScanSpec,
    make_phantom,
)
from spineimg.phantom.dicom_writer import Identity, write_dicom
from spineimg.storage.nifti import write_mask

BASELINE, FOLLOW_UP = "20250304", "20250910"
OLD_FRACTURE = FractureSpec(Level.L3, "wedge", 30.0)
NEW_FRACTURE = FractureSpec(Level.L1, "wedge", 36.0, "new")
T10_BLASTIC = LesionSpec(Level.T10, "blastic", (-5.0, -3.0, -1.0), (7.5, 7.0, 6.0), -1.5)


def case01_specs() -> tuple[PhantomSpec, PhantomSpec]:
    """Baseline and follow-up of one patient."""
    lesion = LesionSpec(Level.L1, "lytic", (5.5, 2.5, 1.5), (11.5, 10.5, 9.0), 1.0)
    baseline = PhantomSpec(
        patient=PatientSpec(seed=11, density_hu=165.0, fat_mm=18.0),
        scan=ScanSpec(
            seed=21,
            spacing_mm=(1.0, 1.0, 1.5),
            width_mm=172.0,
            depth_mm=178.0,
            margin_mm=19.0,
            noise_hu=14.0,
            kernel_fwhm_mm=1.1,
            shift_mm=(3.0, 120.0, -210.0),
        ),
        top=Level.T9,
        bottom=Level.SACRUM,
        lesions=(lesion, T10_BLASTIC),
        fractures=(OLD_FRACTURE,),
        pain=((Level.L1, "mechanical"), (Level.T10, "none")),
    )
    follow_up = replace(
        baseline,
        scan=replace(
            baseline.scan,
            seed=22,
            width_mm=180.0,
            depth_mm=174.0,
            noise_hu=17.0,
            kernel_fwhm_mm=1.2,
            shift_mm=(-8.0, 112.0, -188.0),
            turn_deg=(3.0, -2.0, 2.5),
        ),
        lesions=(replace(lesion, centre_mm=(8.5, 7.0, 3.0), radii_mm=(13.5, 19.0, 11.5)), T10_BLASTIC),
        fractures=(OLD_FRACTURE, NEW_FRACTURE),
    )
    return baseline, follow_up


def write_case01(folder: Path) -> None:
    """CT baseline and follow-up with truth and labels."""
    truth = {}
    for name, date, spec in zip(("baseline", "followup"), (BASELINE, FOLLOW_UP), case01_specs(), strict=True):
        phantom = make_phantom(spec)
        identity = Identity("SPINEIMG-PHANTOM-01", date, "CT spine 1.5 mm, synthetic")
        write_dicom(phantom.volume, folder / name, identity=identity)
        write_mask(phantom.labels.array, phantom.volume.grid, folder / f"truth_{name}_labels.nii.gz")
        truth[name] = {"study_date": f"{date[:4]}-{date[4:6]}-{date[6:]}", **phantom.truth}
    text = json.dumps(truth, indent=1, ensure_ascii=False)
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8")


def write_case02(folder: Path) -> None:
    """Sagittal MR: 4 mm slices, T1 and T2 look."""
    patient = PatientSpec(seed=31, size=0.96, fat_mm=20.0, density_hu=190.0)
    scan = ScanSpec(
        seed=32,
        contrast="T1",
        orientation="sagittal",
        spacing_mm=(0.9, 0.9, 4.0),
        width_mm=60.0,
        depth_mm=230.0,
        margin_mm=10.0,
        noise_hu=9.0,
        kernel_fwhm_mm=1.0,
        shift_mm=(0.0, 90.0, 60.0),
    )
    for number, contrast in enumerate(("T1", "T2"), 1):
        spec = PhantomSpec(
            patient,
            replace(scan, contrast=contrast, seed=31 + number),
            Level.T11,
            Level.SACRUM,
            lesions=(LesionSpec(Level.L2, "lytic", (2.0, -3.0, 0.0), (10.0, 9.0, 9.0), 0.0),),
        )
        identity = Identity(
            "SPINEIMG-PHANTOM-02",
            BASELINE,
            f"{contrast} sagittal 4 mm, synthetic",
            number,
            image_kind="OTHER",
        )
        write_dicom(make_phantom(spec).volume, folder / contrast.lower(), identity=identity)


def write_case03(folder: Path) -> None:
    """What must not pass for a spine: a localizer alone, and a series with a hole of four slices."""
    scan = ScanSpec(seed=41, spacing_mm=(2.0, 2.0, 3.0), width_mm=200.0, depth_mm=180.0, margin_mm=6.0)
    phantom = make_phantom(PhantomSpec(PatientSpec(seed=41), scan, Level.T12, Level.L4))
    write_dicom(
        localizer(phantom),
        folder / "localizer",
        identity=Identity("SPINEIMG-PHANTOM-03", BASELINE, "Localizer, synthetic", 1, image_kind="LOCALIZER"),
    )
    paths = write_dicom(
        phantom.volume,
        folder / "gap",
        identity=Identity("SPINEIMG-PHANTOM-03", BASELINE, "CT with missing slices, synthetic", 2),
    )
    for path in paths[20:24]:
        path.unlink()


def localizer(phantom: Phantom) -> Volume:
    """One frontal projection: mean along the rows, shown as a CT scout is."""
    array, grid = phantom.volume.array, phantom.volume.grid
    mean = array.astype(np.float64).mean(axis=1)[:, ::-1, None]
    a = grid.affine
    middle = grid.to_lps_mm(np.array([0.0, (grid.shape[1] - 1) / 2, grid.shape[2] - 1.0]))
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2], affine[:3, 3] = a[:3, 0], -a[:3, 2], a[:3, 1], middle
    return Volume(np.round(mean).astype(np.int16), Grid(mean.shape, affine), Modality.CT)


def main(folder: Path) -> None:
    """Write the three cases."""
    write_case01(folder / "case01")
    write_case02(folder / "case02")
    write_case03(folder / "case03")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "sample_dicom")
