"""Compares the CogScale tasks drawn here with those that the public package draws.

    python3 tests/peers/cogscale_compare.py [--sizes small medium] [--seeds 3] [--tasks NAME ...] [--venv DIR]

Per task and size it exports our data (`cargo xtask experiment export`), builds the package's, and compares
shapes, scored steps, ranges of values, frequencies of classes or labels, and the scores of trivial predictors (with the
package's own score function). The deterministic series are compared value by value. Frequencies and scores are of
random draws, so they may differ by what chance allows: five standard errors of the difference, where a sequence counts
as one draw. Our side is drawn with `published = true` (and `overlap = true`), which is the package's letter.

The package is installed with pip into a virtual environment (default: target/peers/cogscale) unless it can be
imported already. Exit code 0: all agree; 1: something does not.
"""

import argparse
import math
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import ROOT, ensure_package

PACKAGE = "cogscale==0.2.0"
FORECASTING = {"sinus_forecasting", "chaotic_forecasting"}
# Their masks are drawn anew for each sequence, so only the number of scored steps is fixed.
RANDOM_STEPS = {"discrete_pattern_completion", "continuous_pattern_completion"}
# At size large these would fill the memory of most machines.
TOO_LARGE = ["cross_situation"]
UNSCORED = -100.0


def main():
    arguments = parse_arguments()
    ensure_package("cogscale", PACKAGE, arguments.venv)
    import cogscale

    names = arguments.tasks or cogscale.tasks
    if "large" in arguments.sizes:
        print(f"large: {', '.join(TOO_LARGE)} left out, whose package writes down every sentence (24 GB)")
    failures = 0
    print(f"{'task':31}{'size':8}{'result'}")
    for size in arguments.sizes:
        for name in names:
            if size == "large" and name in TOO_LARGE:
                continue
            problems, notes = compare(name, size, arguments.seeds)
            failures += bool(problems)
            print(f"{name:31}{size:8}{'DIFFERS' if problems else 'agrees'}  {notes}")
            for problem in problems:
                print(f"    {problem}")
    print("all agree" if failures == 0 else f"{failures} differ")
    return 1 if failures else 0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sizes", nargs="+", default=["small", "medium"], choices=["small", "medium", "large"])
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds are pooled")
    parser.add_argument("--tasks", nargs="+", help="names as in the package; default: all")
    parser.add_argument("--venv", type=Path, default=ROOT / "target" / "peers" / "cogscale")
    return parser.parse_args()


def compare(name, size, seeds):
    """The problems found, and the trivial scores as (ours, theirs) in words."""
    import numpy as np

    ours = [export(name, size, seed) for seed in range(seeds)]
    theirs = [build(name, size, seed) for seed in range(seeds)]
    problems = []
    for split in ("train", "valid", "test"):
        for letter in "XY":
            key = f"{letter}_{split}"
            if ours[0][key].shape != theirs[0][key].shape:
                problems.append(f"{key}: shape {ours[0][key].shape} here, {theirs[0][key].shape} there")
    if str(ours[0]["category"]) != theirs[0]["category"]:
        problems.append(f"category {ours[0]['category']} here, {theirs[0]['category']} there")
    if problems:
        return problems, ""

    if name in FORECASTING:
        for key in ours[0]:
            if key[:2] in ("X_", "Y_"):
                worst = np.abs(ours[0][key] - theirs[0][key]).max()
                # Ours are single floats, and a chaotic series magnifies rounding.
                if worst > 1e-5:
                    problems.append(f"{key}: the largest difference is {worst:.2g}")
    for split in ("train", "valid", "test"):
        problems += compare_steps(name, split, ours[0], theirs[0])
    if name not in FORECASTING:
        problems += compare_ranges(ours, theirs)
        problems += compare_frequencies(ours, theirs)
    scores, notes = compare_scores(ours, theirs, exact=name in FORECASTING)
    return problems + scores, notes


def export(name, size, seed):
    import numpy as np

    task = {"cross_situation": "cross-situation"}.get(name, name.replace("_", "-"))
    key = "overlap=true" if name == "cross_situation" else "published=true"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        command = ["cargo", "xtask", "experiment", "export", "--seed", str(seed), "--out", str(path)]
        for setting in (f"name={task}", f"size={size}", key):
            command += ["--set", f"task.{setting}"]
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        with np.load(path) as data:
            # Double precision, as theirs: a mean over single floats would differ by rounding.
            return {key: data[key].astype(float) if key[:2] in ("X_", "Y_") else data[key] for key in data.files}


def build(name, size, seed):
    import cogscale

    data = cogscale.build_task(name, difficulty=size, seed=seed)
    # Some tasks leave the mask in the zeros of a scored one-hot row.
    if data["category"] != "regression":
        for key in ("Y_train", "Y_valid", "Y_test"):
            targets = data[key]
            scored = (targets != UNSCORED).any(axis=-1, keepdims=True)
            targets[(targets == UNSCORED) & scored] = 0.0
    return data


def scored_steps(targets):
    return (targets != UNSCORED).any(axis=-1)


def compare_steps(name, split, ours, theirs):
    a, b = (scored_steps(data[f"Y_{split}"]) for data in (ours, theirs))
    if name in RANDOM_STEPS:
        a, b = a.sum(axis=1), b.sum(axis=1)
    if (a != b).any():
        return [f"Y_{split}: the scored steps are not the same"]
    return []


def compare_ranges(ours, theirs):
    """Smallest and largest input and target; continuous ones reach their bounds only nearly."""
    import numpy as np

    problems = []
    for letter in "XY":
        values = []
        for side in (ours, theirs):
            array = np.concatenate([data[f"{letter}_{split}"].ravel() for data in side for split in ("train", "test")])
            array = array[array != UNSCORED]
            values.append((array.min(), array.max(), np.unique(array[:1000]).size > 5))
        (low, high, continuous), (their_low, their_high, _) = values
        allowed = 0.02 if continuous else 0.0
        if abs(low - their_low) > allowed or abs(high - their_high) > allowed:
            problems.append(f"{letter}: range {low:.3f} to {high:.3f} here, {their_low:.3f} to {their_high:.3f} there")
    return problems


def pooled(side, key):
    import numpy as np

    return np.concatenate([data[key] for data in side])


def compare_frequencies(ours, theirs):
    """The mean of each input channel and of each target over its scored steps, sequence by sequence."""
    import numpy as np

    problems = []
    for letter, what in (("X", "input"), ("Y", "target")):
        means = []
        for side in (ours, theirs):
            inputs, targets = pooled(side, "X_train"), pooled(side, "Y_train")
            if letter == "X":
                means.append(inputs.mean(axis=1))
            else:
                mask = scored_steps(targets)[..., None]
                means.append(np.where(mask, targets, 0.0).sum(axis=1) / mask.sum(axis=1))
        a, b = means
        if what == "input" and str(ours[0]["category"]) == "multi_classification":
            # The package orders words by the process's hash seed: compare the words' frequencies as a set.
            a, b = (m[:, np.argsort(m.mean(axis=0))] for m in (a, b))
        error = np.sqrt((a.var(axis=0) + b.var(axis=0)) / len(a))
        difference = np.abs(a.mean(axis=0) - b.mean(axis=0))
        # A class that no sequence of a side holds has no variance there; one sequence's share is allowed.
        for channel in np.nonzero(difference > 5 * error + 1e-6 + 2.0 / len(a) * (error == 0))[0]:
            problems.append(
                f"{what} {channel}: mean {a.mean(axis=0)[channel]:.4f} here, {b.mean(axis=0)[channel]:.4f} there"
            )
    return problems


def trivial_predictors(data):
    """Predictions for the test split that need no model: zeros, the training mean, and the newest input."""
    import numpy as np

    train, test, inputs = data["Y_train"], data["Y_test"], data["X_test"]
    mean = train[scored_steps(train)].mean(axis=0)
    newest = np.zeros_like(test)
    width = min(test.shape[-1], inputs.shape[-1])
    newest[..., :width] = inputs[..., :width]
    predictors = {"mean": np.broadcast_to(mean, test.shape), "newest": newest}
    if str(data["category"]) != "classification":
        predictors["zero"] = np.zeros_like(test)
    if str(data["category"]) == "multi_classification":
        # The score takes the logistic of a prediction, so zeros would be a tie; the newest word means nothing.
        predictors = {"nothing": np.full_like(test, -1.0), "mean": np.broadcast_to(mean - 0.5, test.shape)}
    return predictors


def compare_scores(ours, theirs, exact):
    import cogscale
    import numpy as np

    def per_sequence(data):
        category = str(data["category"])
        return {
            name: [
                cogscale.compute_score(data["Y_test"][i : i + 1], np.ascontiguousarray(p[i : i + 1]), category)
                for i in range(len(p))
            ]
            for name, p in trivial_predictors(data).items()
        }

    sides = [[per_sequence(data) for data in side] for side in (ours, theirs)]
    problems, notes = [], []
    for name in sides[0][0]:
        a, b = (np.concatenate([scores[name] for scores in side]) for side in sides)
        # Which class is the most frequent in training is chance too; it does not change an even task's score.
        allowed = 1e-5 if exact else 5 * math.sqrt((a.var() + b.var()) / len(a)) + 1e-6
        notes.append(f"{name} {a.mean():.3f}/{b.mean():.3f}")
        if abs(a.mean() - b.mean()) > allowed:
            problems.append(f"predictor {name}: {a.mean():.4f} here, {b.mean():.4f} there, allowed {allowed:.4f}")
    return problems, ", ".join(notes)


if __name__ == "__main__":
    sys.exit(main())
