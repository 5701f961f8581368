"""A batch: one failure never stops the rest, and a second run goes on where the first ended."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from spineimg.core.settings import Settings
from spineimg.pipeline import batch as batch_module
from spineimg.pipeline.batch import BatchRequest, plan_batch, run_batch
from spineimg.pipeline.planning import Failure, Study
from spineimg.pipeline.tables import LEVEL_COLUMNS


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder with two NIfTI files; nothing reads their content here."""
    folder = tmp_path / "scans"
    for name in ("a", "b/c"):
        (folder / name).mkdir(parents=True)
        (folder / name / "image.nii.gz").write_bytes(b"")
    return folder


class Serial:
    """Executor that runs at once, in this process."""

    def __enter__(self) -> Serial:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def submit(self, work, *arguments):  # type: ignore[no-untyped-def]
        from concurrent.futures import Future

        future: Future[object] = Future()
        try:
            future.set_result(work(*arguments))
        except Exception as error:  # noqa: BLE001
            future.set_exception(error)
        return future


def outcome(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, list[Failure | Exception | None]]
) -> list[str]:
    """Replace the analysis by given answers; the list collects what was asked for."""
    asked: list[str] = []

    def analyse(_request: BatchRequest, study: Study, _settings: Settings) -> Failure | None:
        asked.append(study.id)
        answer = answers[study.path.parent.name].pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(batch_module, "_analyse_one", analyse)
    monkeypatch.setattr(batch_module, "_executor", lambda _: Serial())
    return asked


def refusal(study: str) -> Failure:
    return Failure(study, "somewhere", "no-spine-found", "nothing there", "try another")


def test_one_failure_and_one_bug_stop_nothing(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome(monkeypatch, {"a": [refusal("a")], "c": [ZeroDivisionError("oops")]})
    ticks: list[str] = []
    plan = plan_batch(BatchRequest(scans, tmp_path / "out"), Settings())
    result = run_batch(plan, ticks.append)
    assert sorted(f.code for f in result.failures) == ["bug", "no-spine-found"]
    assert len(ticks) == 2
    rows = list(csv.DictReader((tmp_path / "out/failures.csv").read_text().splitlines()))
    assert {row["code"] for row in rows} == {"bug", "no-spine-found"}
    assert all(row["remedy"] for row in rows)
    assert (tmp_path / "out/levels.csv").read_text().splitlines() == [",".join(LEVEL_COLUMNS)]
    assert json.loads((tmp_path / "out/batch.json").read_text())["failed"] == 2


def test_retry_asks_again_and_keeps_the_last_word(
    scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = outcome(monkeypatch, {"a": [refusal("a"), None], "c": [None]})
    plan = plan_batch(BatchRequest(scans, tmp_path / "out", retry=1), Settings())
    result = run_batch(plan, lambda _: None)
    assert result.failures == ()
    assert len(asked) == 3


def test_a_second_run_leaves_out_what_is_done(scans: Path, tmp_path: Path) -> None:
    request = BatchRequest(scans, tmp_path / "out")
    first = plan_batch(request, Settings())
    assert len(first.studies) == 2
    (tmp_path / "out/cases" / first.studies[0].id).mkdir(parents=True)
    second = plan_batch(request, Settings())
    assert second.studies == first.studies[1:]
    assert second.done == first.studies[:1]


def test_ids_do_not_depend_on_what_else_is_in_the_folder(scans: Path, tmp_path: Path) -> None:
    request = BatchRequest(scans, tmp_path / "out")
    before = {study.id for study in plan_batch(request, Settings()).studies}
    (scans / "new").mkdir()
    (scans / "new/image.nii").write_bytes(b"")
    after = {study.id for study in plan_batch(request, Settings()).studies}
    assert before < after


def test_a_mixed_tree_of_dicom_is_planned_by_study(shared: Path, tmp_path: Path) -> None:
    request = BatchRequest(shared / "data/dicom/faulty/mixed_patients_folder", tmp_path / "out")
    plan = plan_batch(request, Settings())
    assert len(plan.studies) >= 2, "two patients are two studies in a batch"
    assert len({study.id for study in plan.studies}) == len(plan.studies)
