"""Classes of series of the UCR/UEA archive: what `experiment --search` finds, beside MiniRocket and an echo state network.

    python3 tests/peers/archive.py [--sets GunPoint OSULeaf] [--seeds 1000..1005] [--trials 40] [--venv DIR] [--peer-only]

The data sets are those for classification that the package aeon holds, with the archive's own split. Each way sees the training part
alone until it is judged, and every figure is the accuracy on the test part over the seeds, mean and sample deviation:

- ours: `cargo xtask experiment --search TRIALS`, the readout of random units;
- MiniRocket with aeon's own settings (10,000 features, ridge by leave-one-out), which has nothing to be searched;
- ReservoirPy's echo state network of the given width: leak, radius, scaling, bias and what its readout sees (the last state, the mean
  of all, or both) by random search over as many configurations, each judged on the same 30 % of the training part that were left out,
  by several seeds; a ridge regression by leave-one-out (scikit-learn).

The packages are installed with pip into a virtual environment (default: target/peers/archive) unless they can be imported
already. Needs Python 3.11.
"""

import argparse
import json
import math
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from environment import ROOT, ensure_package

SETS = ["ACSF1", "ArrowHead", "BasicMotions", "GunPoint", "ItalyPowerDemand", "JapaneseVowels", "OSULeaf", "PickupGestureWiimoteZ"]
FIRST_SEARCHED = 100
VALIDATION, JUDGED, FEWEST, MOST = 0.3, 150, 2, 10
WASTED = 1e-8


def main():
    arguments = parse_arguments()
    ensure_package("reservoirpy", "reservoirpy==0.4.2", arguments.venv)
    ensure_package("aeon", "aeon==1.6.0", arguments.venv)
    ways = {"MiniRocket": mini_rocket, "ReservoirPy": echo_state}
    if not arguments.peer_only:
        ways = {"ours": ours, **ways}
    print(f"{'':24}" + "".join(f"{way:>30}" for way in ways))
    means = {way: [] for way in ways}
    for name in arguments.sets:
        cells = []
        for way, run in ways.items():
            begin = time.perf_counter()
            scores = run(name, arguments)
            seconds = time.perf_counter() - begin
            means[way].append(statistics.mean(scores))
            deviation = statistics.stdev(scores) if len(scores) > 1 else 0.0
            cells.append(f"{means[way][-1]:.4f} ± {deviation:.4f} ({seconds:.0f} s)")
        print(f"{name:24}" + "".join(f"{cell:>30}" for cell in cells), flush=True)
    print(f"{'mean':24}" + "".join(f"{statistics.mean(scores):>30.4f}" for scores in means.values()))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    parser.add_argument("--seeds", type=seeds, default="1000..1005", help="seeds FIRST..END that are reported")
    parser.add_argument("--trials", type=int, default=40, help="configurations of ours and of the echo state network")
    parser.add_argument("--width", type=int, default=640, help="units of the echo state network")
    parser.add_argument("--peer-only", action="store_true", help="leave our own model out")
    parser.add_argument("--venv", type=Path, default=ROOT / "target" / "peers" / "archive")
    return parser.parse_args()


def seeds(text):
    first, end = map(int, text.split(".."))
    if end <= first:
        raise argparse.ArgumentTypeError(f"FIRST..END, got {text}")
    return range(first, end)


def files(name):
    import aeon.datasets

    folder = Path(aeon.datasets.__file__).parent / "data" / name
    return [folder / f"{name}_{part}.ts" for part in ("TRAIN", "TEST")]


def load(name):
    """Series as [steps, channels], standardised with the training part's mean and deviation, and classes, of both parts."""
    import numpy as np
    from aeon.datasets import load_from_ts_file

    parts = []
    for path in files(name):
        series, classes = load_from_ts_file(str(path))
        parts.append(([np.asarray(one, dtype=float).T for one in series], np.asarray(classes)))
    steps = np.concatenate(parts[0][0])
    mean, deviation = steps.mean(axis=0), steps.std(axis=0) + WASTED
    return [([(one - mean) / deviation for one in series], classes) for series, classes in parts]


def ours(name, arguments):
    train, test = files(name)
    first, last = arguments.seeds[0], arguments.seeds[-1]
    words = ["cargo", "xtask", "experiment", "--search", str(arguments.trials), "--seeds", f"{first}..{last + 1}"]
    for key, value in {"name": "files", "train": train, "test": test}.items():
        words += ["--set", f"task.{key}={value}"]
    with tempfile.TemporaryDirectory() as folder:
        words += ["--json", "--quiet", "--no-model", "--no-pictures", "--out", folder]
        run = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
    records = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    return [record["test"] for record in records if "test" in record and not record.get("summary")]


def mini_rocket(name, arguments):
    import numpy as np
    from aeon.classification.convolution_based import MiniRocketClassifier

    (train, train_classes), (test, test_classes) = load(name)
    # It needs series of one length: shorter ones go on with zeros, the training part's mean.
    longest = max(map(len, train + test))

    def stack(series):
        return np.stack([np.pad(one, ((0, longest - len(one)), (0, 0))).T for one in series])

    scores = []
    for seed in arguments.seeds:
        classifier = MiniRocketClassifier(random_state=seed).fit(stack(train), train_classes)
        scores.append(float((classifier.predict(stack(test)) == test_classes).mean()))
    return scores


def echo_state(name, arguments):
    import numpy as np

    (train, train_classes), (test, test_classes) = load(name)
    count = len(train)
    splits = min(max(math.ceil(JUDGED / (count * VALIDATION)), FEWEST), MOST)
    rng = np.random.default_rng(0)
    best, best_score = None, -1.0
    for _ in range(arguments.trials):
        parameters = {
            "leak": float(10 ** rng.uniform(-2, 0)),
            "radius": float(rng.uniform(0.1, 1.5)),
            "scaling": float(10 ** rng.uniform(-1, 0.5)),
            "bias": float(rng.choice([0.0, 0.3, 1.0])),
            "sees": str(rng.choice(["last", "mean", "both"])),
        }
        # One drawn network for all splits, as its states are what takes long.
        features = features_of(train, parameters, arguments.width, FIRST_SEARCHED)
        scores = []
        for split in range(splits):
            left_out = np.random.default_rng(FIRST_SEARCHED + split).permutation(count) < count * VALIDATION
            if len(set(train_classes[~left_out])) > 1:
                scores.append(accuracy(features[~left_out], train_classes[~left_out], features[left_out], train_classes[left_out]))
        score = float(np.mean(scores))
        if score > best_score:
            best, best_score = parameters, score
    scores = []
    for seed in arguments.seeds:
        own, other = (features_of(series, best, arguments.width, seed) for series in (train, test))
        scores.append(accuracy(own, train_classes, other, test_classes))
    return scores


def features_of(series, parameters, width, seed):
    import numpy as np
    from reservoirpy.mat_gen import uniform
    from reservoirpy.nodes import Reservoir

    bias = parameters["bias"]
    reservoir = Reservoir(
        units=width,
        lr=parameters["leak"],
        sr=parameters["radius"],
        input_scaling=parameters["scaling"],
        rc_connectivity=min(1.0, 10 / width),
        input_connectivity=1.0,
        bias=uniform(low=-bias, high=bias) if bias else 0.0,
        seed=seed,
    )
    rows = []
    for one in series:
        # It has a state to forget from its first run on.
        if rows:
            reservoir.reset()
        states = reservoir.run(one)
        parts = {"last": [states[-1]], "mean": [states.mean(axis=0)], "both": [states.mean(axis=0), states[-1]]}
        rows.append(np.concatenate(parts[parameters["sees"]]))
    return np.array(rows)


def accuracy(train, train_classes, test, test_classes):
    import numpy as np
    from sklearn.linear_model import RidgeClassifierCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), RidgeClassifierCV(alphas=np.logspace(-3, 5, 17)))
    return float(model.fit(train, train_classes).score(test, test_classes))


if __name__ == "__main__":
    main()
