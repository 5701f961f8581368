"""Bias and coverage of the trial's statistics on simulated cohorts, and the time of a report.

    python scripts/benchmark_trial.py coverage WORK [--cohorts 1000] [--patients 120]
    python scripts/benchmark_trial.py speed WORK [--patients 1000]

``coverage`` is resumable: each cohort is one line of WORK/cohorts.jsonl, and lines that are there are not
made again. Its truth for the curves is a large simulated cohort seen at the same kind of visits without
loss to follow-up, so that what is measured is the estimator, not the distance between two scans.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy import stats

from spineimg.core.settings import Settings
from spineimg.core.settings.trial import TrialSettings
from spineimg.trial.run import run_trial
from spineimg.trial.sample_cohort import simulate_patients, write_cohort
from spineimg.trial.simulation import NEVER, Hazards, SimulatedPatient, observed
from spineimg.trial.statistics.bootstrap import bootstrap_errors
from spineimg.trial.statistics.cox import NotFitted, fit_cox
from spineimg.trial.statistics.firth import fit_firth
from spineimg.trial.statistics.occurrence import count, curves, jackknife_errors, log_log_limits
from spineimg.trial.statistics.partial_likelihood import CoxRows
from spineimg.trial.statistics.turnbull import fit_npmle

COVARIATES = ("total_sins", "age", "body_involvement", "radiotherapy")
DAYS = (220, 400, 670)
"""Days at which the curves are judged: 40 days after a visit that is then in for everybody."""
TRUTH_PATIENTS = 20_000
HAZARDS = Hazards()


def eligible(patients: list[SimulatedPatient]) -> list[tuple[int, SimulatedPatient, object]]:
    """Index levels: SINS 7 to 12."""
    return [(k, p, level) for k, p in enumerate(patients) for level in p.levels if 7 <= level.total <= 12]


def arrays(patients: list[SimulatedPatient]) -> dict[str, np.ndarray]:
    """What the trial would see, without the detour over files."""
    found = eligible(patients)
    seen = [observed(p, level) for _, p, level in found]
    event = np.array([o.status == "event" for o in seen])
    competing = np.array([o.status == "competing" for o in seen])
    left = np.array([o.left_days for o in seen], dtype=float)
    right = np.array([np.inf if o.right_days is None else o.right_days for o in seen], dtype=float)
    return {
        "cluster": np.array([k for k, _, _ in found]),
        "left": left,
        "right": np.where(event, right, np.inf),
        "last": np.where(event, right, left),
        "end": np.where(event | competing, right, left),
        "cause": np.where(event, 1, np.where(competing, 2, 0)),
        "x": np.array([[lv.total, p.age_years, lv.body_percent] for _, p, lv in found]),
        "radiotherapy": np.array([lv.radiotherapy_day for _, _, lv in found]),
    }


def rows(a: dict[str, np.ndarray], event: np.ndarray, stop: np.ndarray) -> CoxRows:
    """(start, stop] rows, split at radiotherapy."""
    pieces = []
    for i in range(len(stop)):
        day = a["radiotherapy"][i]
        if 0 < day < stop[i]:
            pieces += [(i, 0.0, day, False, 0.0), (i, day, stop[i], event[i], 1.0)]
        else:
            pieces.append((i, 0.0, stop[i], event[i], float(day <= 0)))
    source = np.array([p[0] for p in pieces])
    x = np.column_stack([a["x"][source], [p[4] for p in pieces]])
    start, stops = (np.array([p[k] for p in pieces], dtype=float) for k in (1, 2))
    return CoxRows(start, stops, np.array([p[3] for p in pieces], dtype=bool), x, a["cluster"][source])


def one_cohort(seed: int, n: int, settings: TrialSettings) -> dict[str, object]:
    """Every estimate and standard error of one cohort."""
    a = arrays(simulate_patients(n, seed, HAZARDS))
    record: dict[str, object] = {
        "seed": seed,
        "levels": len(a["last"]),
        "events": int((a["cause"] == 1).sum()),
    }
    data = rows(a, a["cause"] == 1, a["last"])
    with_event = np.unique(data.cluster[data.event]).size
    record["df"] = float(max(1, with_event - len(COVARIATES)))
    for name, fit in (("cox", fit_cox), ("firth", fit_firth)):
        try:
            found = fit(data, settings)
        except NotFitted as error:
            record[name] = str(error)
            continue
        record[name] = {
            "coef": found.coefficients.tolist(),
            **{
                e: np.sqrt(np.diag(getattr(found, e))).tolist() for e in ("covariance", "robust", "corrected")
            },
        }
    km = (a["cause"] == 1).astype(int)
    for name, time_, cause, causes in (("km", a["last"], km, 1), ("cif", a["end"], a["cause"], 2)):
        c = curves(count(time_, cause, causes))
        place = np.searchsorted(c.days, DAYS, side="right") - 1
        alone, clustered = np.arange(len(time_)), a["cluster"]
        pick = 0 if name == "km" else 1
        errors = {
            "independent": jackknife_errors(time_, cause, causes, alone)[pick],
            "jackknife": jackknife_errors(time_, cause, causes, clustered)[pick],
            "bootstrap": bootstrap_errors(time_, cause, causes, clustered, settings)[pick],
        }
        value = c.free[place] if name == "km" else 1.0 - c.incidence[place, 0]
        record[name] = {
            "free": value.tolist(),
            **{k: np.asarray(e)[place].reshape(len(DAYS), -1)[:, 0].tolist() for k, e in errors.items()},
        }
    found = fit_npmle(a["left"], a["right"], settings)
    after = np.concatenate([[1.0], found.survival_after()])
    record["npmle"] = after[np.searchsorted(found.to_day, DAYS, side="right")].tolist()
    return record


def truth() -> dict[str, list[float]]:
    """Curves at the days in a large cohort: without competing events (km), and with them (cif)."""
    no_loss = replace(HAZARDS, lost_at_visit=0.0)
    net = replace(no_loss, death_a_year=1e-9, procedure_a_year=1e-9)
    found = {}
    for name, hazards in (("km", net), ("cif", no_loss)):
        a = arrays(simulate_patients(TRUTH_PATIENTS, 999, hazards))
        cause = (a["cause"] == 1).astype(int) if name == "km" else a["cause"]
        time_ = a["last"] if name == "km" else a["end"]
        c = curves(count(time_, cause, 1 if name == "km" else 2))
        place = np.searchsorted(c.days, DAYS, side="right") - 1
        found[name] = (c.free[place] if name == "km" else 1.0 - c.incidence[place, 0]).tolist()
    return found


def coverage(work: Path, cohorts: int, n: int) -> None:
    """Make the cohorts that are missing, then print bias and coverage."""
    work.mkdir(parents=True, exist_ok=True)
    file = work / "cohorts.jsonl"
    done = {json.loads(line)["seed"] for line in file.read_text().splitlines()} if file.exists() else set()
    settings = TrialSettings(bootstrap_repeats=400)
    with file.open("a", encoding="utf-8") as out:
        for seed in range(1, cohorts + 1):
            if seed not in done:
                out.write(json.dumps(one_cohort(seed, n, settings)) + "\n")
                out.flush()
    known = work / "truth.json"
    if not known.exists():
        known.write_text(json.dumps(truth()))
    records = [json.loads(line) for line in file.read_text().splitlines()][:cohorts]
    report(records, json.loads(known.read_text()))


def report(records: list[dict[str, object]], true: dict[str, list[float]]) -> None:
    """Print the tables."""
    levels, events = ([float(r[k]) for r in records] for k in ("levels", "events"))
    print(f"{len(records)} cohorts; index levels {np.mean(levels):.0f}, events {np.mean(events):.1f}")
    betas = [getattr(HAZARDS, name) for name in COVARIATES]
    for name, errors in (("cox", ("covariance", "robust", "corrected")), ("firth", ("robust", "corrected"))):
        fitted = [r for r in records if isinstance(r[name], dict)]
        print(f"\n{name}: fitted in {len(fitted)} of {len(records)}")
        coef = np.array([r[name]["coef"] for r in fitted])
        for k, covariate in enumerate(COVARIATES):
            spread = coef[:, k].std(ddof=1)
            mean = coef[:, k].mean()
            line = f"  {covariate:17s} true {betas[k]:6.3f} mean {mean:7.4f}"
            line += f" bias {mean - betas[k]:+.4f} sd {spread:.4f}"
            for e in errors:
                se = np.array([r[name][e][k] for r in fitted])
                gap = np.abs(coef[:, k] - betas[k]) / se
                line += f" | {e} se/sd {np.median(se) / spread:.2f} covers {100 * (gap <= 1.96).mean():.1f} %"
                if e == "corrected":  # and with a t distribution: patients with an event less covariates
                    t = stats.t.ppf(0.975, np.array([r["df"] for r in fitted]))
                    line += f" (t {100 * (gap <= t).mean():.1f} %)"
            print(line)
    for name in ("km", "cif"):
        for k, day in enumerate(DAYS):
            value = np.array([r[name]["free"][k] for r in records])
            target = true[name][k]
            print(f"\n{name} at day {day}: true {1 - target:.4f} mean {1 - value.mean():.4f}")
            for e in ("independent", "jackknife", "bootstrap"):
                se = np.array([r[name][e][k] for r in records])
                low, high = log_log_limits(value, se, 0.95)
                hit = (low <= target) & (target <= high)
                print(f"  {e}: se/sd {np.median(se) / value.std(ddof=1):.2f} covers {100 * hit.mean():.1f} %")
    print("\ninterval-censored (kaplan-meier's net truth in brackets):")
    for k, day in enumerate(DAYS):
        npmle = np.array([r["npmle"][k] for r in records])
        mean, spread = 1 - npmle.mean(), npmle.std(ddof=1)
        print(f"  day {day}: mean {mean:.4f} ({1 - true['km'][k]:.4f}), sd {spread:.4f}")
    error = 100 * 1.96 * np.sqrt(0.95 * 0.05 / len(records))
    print(f"\nsimulation error of a coverage: +- {error:.1f} %")


def speed(work: Path, n: int) -> None:
    """Time the report of many patients with four visits each."""
    shutil.rmtree(work / "speed", ignore_errors=True)
    patients = [
        replace(
            p,
            visit_days=(0, 90, 180, 270),
            death_day=NEVER if p.death_day < 270 else p.death_day,
            last_contact_day=280,
        )
        for p in simulate_patients(n, 7)
    ]
    write_cohort(patients, work / "speed", 7)
    where = work / "speed"
    began, used = time.perf_counter(), time.process_time()
    run_trial(
        where / "cases", where / "clinical.csv", where / "events.csv", None, where / "trial", Settings()
    )
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    print(f"{n} patients x 4 visits: {seconds:.1f} s ({cpu:.1f} s of one core)")
    shutil.rmtree(where)


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("coverage", "speed"))
    parser.add_argument("work", type=Path)
    parser.add_argument("--cohorts", type=int, default=1000)
    parser.add_argument("--patients", type=int, default=None)
    arguments = parser.parse_args()
    if arguments.what == "coverage":
        coverage(arguments.work, arguments.cohorts, arguments.patients or 120)
    else:
        speed(arguments.work, arguments.patients or 1000)


if __name__ == "__main__":
    main()
