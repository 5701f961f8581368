"""Every threshold of the program in one frozen record, nested by room."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spineimg.core.errors import UsageError
from spineimg.core.settings.clinical_limits import SAME
from spineimg.core.settings.measurement import MeasurementSettings
from spineimg.core.settings.reading import ReadingSettings
from spineimg.core.settings.report import ReportSettings
from spineimg.core.settings.scoring import ScoringSettings
from spineimg.core.settings.segmentation import SegmentationSettings
from spineimg.core.settings.tracking import TrackingSettings
from spineimg.core.settings.trial import TrialSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; a changed copy is made with `dataclasses.replace`."""

    reading: ReadingSettings = field(default_factory=ReadingSettings)
    segmentation: SegmentationSettings = field(default_factory=SegmentationSettings)
    measurement: MeasurementSettings = field(default_factory=MeasurementSettings)
    scoring: ScoringSettings = field(default_factory=ScoringSettings)
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    report: ReportSettings = field(default_factory=ReportSettings)
    trial: TrialSettings = field(default_factory=TrialSettings)

    def digest(self) -> str:
        """SHA-256 over all values: two runs with one digest used the same thresholds."""
        text = json.dumps(dataclasses.asdict(self), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


DEFAULTS = Settings()


def load_settings(profile: Path) -> Settings:
    """Read a TOML profile that changes some settings: ``[measurement]`` then ``name = value``.

    Raises
    ------
    UsageError
        ``unknown-setting`` when a room or a name does not exist; nothing is ever ignored.
    """
    changed: dict[str, Any] = {}
    for room, values in _with_pairs(tomllib.loads(profile.read_text(encoding="utf-8"))).items():
        current = getattr(Settings(), room, None) if isinstance(values, dict) else None
        names = {f.name for f in dataclasses.fields(current)} if current is not None else set()
        unknown = sorted(set(values) - names) if current is not None else [room]
        if current is None or unknown:
            raise UsageError(
                "unknown-setting",
                f"no setting {room}.{unknown[0]}",
                "see docs/settings.md for the names",
                profile,
            )
        changed[room] = dataclasses.replace(current, **values)
    return dataclasses.replace(Settings(), **changed)


def _with_pairs(profile: dict[str, Any]) -> dict[str, Any]:
    """The profile with the other one of each pair of equal limits, where it changes one of them."""
    whole = {room: dict(values) if isinstance(values, dict) else values for room, values in profile.items()}
    for a, name_a, b, name_b in SAME:
        for room, name, other, other_name in ((a, name_a, b, name_b), (b, name_b, a, name_a)):
            if isinstance(profile.get(room), dict) and name in profile[room]:
                whole.setdefault(other, {}).setdefault(other_name, profile[room][name])
    return whole
