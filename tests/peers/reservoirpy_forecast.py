"""Forecasts with ReservoirPy's echo state network, from exactly our data, beside our own model of the same state width.

    python3 tests/peers/reservoirpy_forecast.py [--tasks mackey-glass-17 lorenz] [--seeds 1000..1005] [--trials 20] [--venv DIR]
        [--width N] [--peer-only]

A task is a preset of docs/experiments, which says what the data are and whether there are forecasts in closed loop:

- always: NRMSE, R² and MSE over the test steps, each predicted from what came before it (open loop);
- with `[evaluation] free_run` also forecasts that are fed with their own predictions, from places of the test steps: NRMSE over
  all of them, NRMSE of their last steps, and the steps until the error passes 0.4 (valid steps); for Lorenz also in
  Lyapunov times (exponent 0.9056: Sprott, "Chaos and Time-Series Analysis", 2003).

Per seed our data set is exported (`cargo xtask experiment export`), and the reservoir is drawn from the same
seed. ReservoirPy's leak, spectral radius, input scaling, connectivities, biases and ridge are chosen by random search, so many
trials: in open loop by the NRMSE on the validation steps of seed 100; in closed loop on whole series of other seeds, 100 to 102,
as our preset was, or where the seed changes nothing in the data on the validation steps: by the valid steps, and where these are
the same, as all are for Mackey-Glass 17, by the NRMSE of the last steps. Test steps of the seeds that are reported are seen once, by the chosen one. Our side is the experiment of the same name (`cargo xtask
experiment NAME`); --width gives the peer another state width than ours.

The package is installed with pip into a virtual environment (default: target/peers/reservoirpy) unless it can be imported
already. Needs Python 3.11.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from environment import ROOT, ensure_package

PACKAGE = "reservoirpy==0.4.2"
UNSCORED = -100.0
THRESHOLD = 0.4
EXPONENT = 0.9056
SEARCH_SEEDS = range(100, 103)
PRESETS = ROOT / "docs" / "experiments"
TASKS = ["mackey-glass-17", "mackey-glass-17-free", "mackey-glass-30", "mackey-glass-30-free", "santa-fe", "lorenz"]


def main():
    arguments = parse_arguments()
    ensure_package("reservoirpy", PACKAGE, arguments.venv)
    for name in arguments.tasks:
        compare(name, arguments)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", nargs="+", default=TASKS, choices=TASKS)
    parser.add_argument("--seeds", type=seeds, default="1000..1005", help="seeds FIRST..END that are reported, none of the searched ones")
    parser.add_argument("--trials", type=int, default=20, help="configurations of the peer tried on validation")
    parser.add_argument("--width", type=int, help="the peer's state width (default: ours)")
    parser.add_argument("--peer-only", action="store_true", help="leave our own model out; needs --width")
    parser.add_argument("--venv", type=Path, default=ROOT / "target" / "peers" / "reservoirpy")
    arguments = parser.parse_args()
    if arguments.peer_only and arguments.width is None:
        parser.error("--peer-only needs --width")
    return arguments


def seeds(text):
    first, end = map(int, text.split(".."))
    if first <= SEARCH_SEEDS[-1] or end <= first:
        raise argparse.ArgumentTypeError(f"FIRST..END above the searched seed {SEARCH_SEEDS[-1]}, got {text}")
    return range(first, end)


def compare(name, arguments):
    preset = tomllib.loads((PRESETS / f"{name}.toml").read_text())
    spec = {"task": preset["task"], "free": preset.get("evaluation", {})}
    width = arguments.width or json.loads(cargo("xtask", "describe", name, "--json"))["d_state"]
    data = {seed: export(spec["task"], seed) for seed in arguments.seeds}
    chosen, where = search(spec, width, arguments.trials)
    peer = [scores_of(spec, split, width, chosen, seed) for seed, split in data.items()]
    print(f"\n{name}: state width {width}, seeds {arguments.seeds[0]} to {arguments.seeds[-1]}")
    print(f"  ReservoirPy: {chosen}, the best of {arguments.trials} on {where}")
    rows = {"ReservoirPy": peer}
    if not arguments.peer_only:
        rows["ours"] = ours(name, spec, data)
    columns = list(peer[0])
    print("  " + "".join([f"{'':14}"] + [f"{column:>24}" for column in columns]))
    for label, scores in rows.items():
        cells = [summary([score[column] for score in scores]) for column in columns]
        print("  " + "".join([f"{label:14}"] + [f"{cell:>24}" for cell in cells]), flush=True)


def cargo(*words):
    run = subprocess.run(["cargo", *words], cwd=ROOT, check=True, capture_output=True, text=True)
    return run.stdout


def export(task, seed):
    """Our data set, raw, with inputs and targets that are standardised here in the same way."""
    import numpy as np

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        words = ["xtask", "experiment", "export", "--raw", "--seed", str(seed), "--out", str(path)]
        for key, value in task.items():
            # JSON writes numbers, strings and truth as TOML does.
            words += ["--set", f"task.{key}={json.dumps(value)}"]
        cargo(*words)
        numbers = [(key, value) for key, value in np.load(path).items() if key[:2] in ("X_", "Y_")]
        arrays = {key: np.asarray(value, dtype=np.float64) for key, value in numbers}
    mean, deviation = arrays["X_train"][0].mean(axis=0), arrays["X_train"][0].std(axis=0)
    splits = {}
    for split in ["train", "valid", "test"]:
        inputs, targets = arrays[f"X_{split}"][0], arrays[f"Y_{split}"][0]
        splits[split] = {
            "inputs": (inputs - mean) / deviation,
            "targets": (targets - mean) / deviation,
            "scored": np.flatnonzero((targets != UNSCORED).all(axis=1)),
        }
    return {**splits, "mean": mean, "deviation": deviation}


def fit(data, width, parameters, seed):
    """A network with its readout fitted on the scored training steps."""
    from reservoirpy.mat_gen import uniform
    from reservoirpy.nodes import Reservoir, Ridge

    bias = parameters["bias"]
    reservoir = Reservoir(
        units=width,
        lr=parameters["leak"],
        sr=parameters["radius"],
        input_scaling=parameters["scaling"],
        input_connectivity=parameters["input connectivity"],
        rc_connectivity=parameters["connectivity"],
        bias=uniform(low=-bias, high=bias) if bias else 0.0,
        seed=seed,
    )
    train = data["train"]
    states = reservoir.run(train["inputs"])
    readout = Ridge(ridge=parameters["ridge"])
    readout.fit(states[train["scored"]], train["targets"][train["scored"]])
    return reservoir, readout


def predictions_of(network, split):
    reservoir, readout = network
    reservoir.reset()
    return readout.run(reservoir.run(split["inputs"])[split["scored"]])


def free_runs(network, split, free):
    """Forecasts in closed loop, from places at equal distances over the scored steps, and what came."""
    import numpy as np

    reservoir, readout = network
    steps, starts = free["free_run"], free.get("starts", 1)
    room = len(split["scored"]) - steps
    reservoir.reset()
    runs, seen = [], 0
    for index in range(starts):
        row = index * room // max(starts - 1, 1)
        after = split["scored"][row]
        # The state after the last step that is seen; the series goes on from it at the next start.
        state = reservoir.run(split["inputs"][seen : after + 1])[-1]
        seen = after + 1
        kept = {name: values.copy() for name, values in reservoir.state.items()}
        predicted = []
        for _ in range(steps):
            predicted.append(np.ravel(readout.run(state.reshape(1, -1))))
            state = np.ravel(reservoir.step(predicted[-1]))
        reservoir.state = kept
        truth = split["targets"][split["scored"][row : row + steps]]
        runs.append((np.array(predicted), truth))
    return runs


def search(spec, width, trials):
    """The parameters that score best on what is not reported, and a word for what that was."""
    import numpy as np

    free = spec["free"]
    if not free:
        first = SEARCH_SEEDS[0]
        judged, where = [(first, export(spec["task"], first), "valid", None)], f"the validation steps of seed {first}"
    elif spec["task"]["name"] == "santa-fe":
        # There is one series: its validation steps, with as many of its own steps.
        first = SEARCH_SEEDS[0]
        judged, where = [(first, export(spec["task"], first), "valid", free)], "the validation steps, in closed loop"
    else:
        data = [(seed, export(spec["task"], seed)) for seed in SEARCH_SEEDS]
        judged = [(seed, one, "test", free) for seed, one in data]
        where = f"series of seeds {SEARCH_SEEDS[0]} to {SEARCH_SEEDS[-1]}, in closed loop"
    rng = np.random.default_rng(0)
    best, best_score = None, (math.inf,)
    for _ in range(trials):
        parameters = {
            "leak": round(float(rng.uniform(0.1, 1.0)), 3),
            "radius": round(float(rng.uniform(0.1, 1.5)), 3),
            "scaling": round(float(10 ** rng.uniform(-2, 0.3)), 4),
            "input connectivity": float(rng.choice([0.1, 1.0])),
            "connectivity": float(rng.choice([0.02, 0.1, 0.3])),
            "bias": float(rng.choice([0.0, 0.3, 1.0, 1.5])),
            "ridge": float(10.0 ** rng.integers(-12, -1)),
        }
        scores = [judge(*one, spec["task"], width, parameters) for one in judged]
        score = tuple(np.nan_to_num(np.mean(scores, axis=0), nan=np.inf))
        if score < best_score:
            best, best_score = parameters, score
    return best, where


def judge(seed, data, split, free, task, width, parameters):
    """Numbers of which the first that differs decides; the lower the better."""
    network, split = fit(data, width, parameters, seed), data[split]
    if free is None:
        return [nrmse(predictions_of(network, split), split["targets"][split["scored"]])]
    scores = closed_loop(free_runs(network, split, free), task)
    return [-scores["valid steps"], scores["last step's"]]


def scores_of(spec, data, width, parameters, seed):
    """The peer's scores on the test steps, in the raw unit."""
    network = fit(data, width, parameters, seed)
    test, raw = data["test"], lambda values: values * data["deviation"] + data["mean"]
    predictions, truth = raw(predictions_of(network, test)), raw(test["targets"][test["scored"]])
    scores = open_loop(predictions, truth)
    if spec["free"]:
        runs = [(raw(p), raw(y)) for p, y in free_runs(network, test, spec["free"])]
        scores.update(closed_loop(runs, spec["task"]))
    return scores


def open_loop(predictions, truth):
    error = nrmse(predictions, truth)
    return {"NRMSE": error, "R2": 1 - error**2, "MSE": float(((predictions - truth) ** 2).mean())}


def closed_loop(runs, task):
    import numpy as np

    predictions, truth = (np.concatenate(parts) for parts in zip(*runs))
    last = np.array([predicted[-1] - came[-1] for predicted, came in runs])
    variance = ((truth - truth.mean(axis=0)) ** 2).mean()
    steps = float(np.mean([valid_steps(*run) for run in runs]))
    return free_scores(nrmse(predictions, truth), math.sqrt((last**2).mean() / variance), steps, task)


def free_scores(error, last, steps, task):
    scores = {"free NRMSE": error, "last step's": last, "valid steps": steps}
    if task["name"] == "lorenz":
        scores["Lyapunov times"] = steps * task["step"] * EXPONENT
    return scores


def nrmse(predictions, truth):
    """The root mean squared error over the deviation of the truth, pooled over outputs."""
    variance = ((truth - truth.mean(axis=0)) ** 2).mean()
    return float(math.sqrt(((predictions - truth) ** 2).mean() / variance))


def valid_steps(predictions, truth):
    """Steps until the error passes the threshold: its norm over the root mean square of the truth about its mean."""
    import numpy as np

    scale = math.sqrt(((truth - truth.mean(axis=0)) ** 2).sum(axis=1).mean())
    errors = np.sqrt(((predictions - truth) ** 2).sum(axis=1)) / scale
    beyond = np.flatnonzero(~(errors <= THRESHOLD))
    return int(beyond[0]) if len(beyond) else len(errors)


def ours(name, spec, data):
    """The scores of our experiment of the same name, per seed."""
    words = ["xtask", "experiment", name, "--seeds", f"{min(data)}..{max(data) + 1}", "--json"]
    with tempfile.TemporaryDirectory() as folder:
        lines = [json.loads(line) for line in cargo(*words, "--out", folder).splitlines()]
    scores = []
    for record in (line for line in lines if not line.get("summary")):
        one = data[record["seed"]]
        test = one["test"]
        truth = test["targets"][test["scored"]] * one["deviation"] + one["mean"]
        variance = ((truth - truth.mean(axis=0)) ** 2).mean()
        error = math.sqrt(record["test"] / variance)
        score = {"NRMSE": error, "R2": 1 - error**2, "MSE": record["test"]}
        if spec["free"]:
            free = record["free_run"]
            error, last = (math.nan if free[key] is None else free[key] for key in ["nrmse", "nrmse_last"])
            score |= free_scores(error, last, free["valid_steps"], spec["task"])
        scores.append(score)
    return scores


def summary(values):
    import numpy as np

    deviation = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return f"{np.mean(values):.4g} ± {deviation:.2g}"


if __name__ == "__main__":
    main()
