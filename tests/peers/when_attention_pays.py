"""Runs the study docs/studies/when-attention-pays.md, and writes its tables and pictures.

    python3 tests/peers/when_attention_pays.py run [--out DIR]     (sweeps, trained controls, attention; goes on where it stopped)
    python3 tests/peers/when_attention_pays.py write [--out DIR]   (tables on standard output, pictures and all means into docs)

`run` makes the sweeps of docs/studies/when-attention-pays, trains the units of five of them by gradient, and exports the attention
of four of them to measure it: some two hours on one core. numpy and matplotlib are installed with pip into a virtual environment
(default: target/peers/study) unless they can be imported already. Needs Python 3.11.
"""

import argparse
import csv
import itertools
import json
import shlex
import statistics
import subprocess
import tomllib
from pathlib import Path

from environment import ROOT, ensure_package
from pictures import pyplot, save

STUDY = ROOT / "docs" / "studies" / "when-attention-pays"
MEANS = STUDY.with_suffix(".csv")
TASKS = [
    "associative-recall",
    "selective-copy",
    "sorting-problem",
    "bracket-matching",
    "adding-problem",
    "cross-situation",
    "discrete-pattern-completion",
    "discrete-postcasting",
    "lorenz",
]
TRAINED = TASKS[:5]
MEASURED = ["associative-recall", "selective-copy", "sorting-problem", "adding-problem"]
GAINS = ["0.0", "1.0", "4.0", "16.0", "64.0"]
CENTRE = "4.0"
# Queries and keys that have no common form, or are not there.
UNTIED = ("selective-copy", "bracket-matching")
# The first population with attention is called recall; this is its place.
PLACE = {"selective-copy": 4, "adding-problem": 0}
FEW = range(1000, 1005)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["run", "write"])
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "when-attention-pays")
    parser.add_argument("--venv", type=Path, default=ROOT / "target" / "peers" / "study")
    parser.add_argument("--ran", type=Path, help="a program that is built already, in place of cargo xtask")
    arguments = parser.parse_args()
    ensure_package("numpy", "numpy", arguments.venv)
    ensure_package("matplotlib", "matplotlib", arguments.venv)
    program = [str(arguments.ran.resolve())] if arguments.ran else ["cargo", "xtask"]
    if arguments.action == "run":
        for name in [*TASKS, "neurons", "some-of-a-token"]:
            sweep(program, STUDY / f"{name}.toml", arguments.out / name)
        for task in TRAINED:
            # The same with fewer seeds.
            text = (STUDY / f"{task}.toml").read_text().replace("1000..1020", f"{FEW.start}..{FEW.stop}")
            file = arguments.out / f"{task}-trained.toml"
            file.write_text(text)
            sweep(program, file, arguments.out / f"{task}-trained", trained(task, text))
        measure(program, arguments.out)
    else:
        tables(arguments.out)
        means(arguments.out)
        error_by_gain(arguments.out)
        attention_by_gain(arguments.out)


def key(task, option):
    return f"reservoir.population.{PLACE.get(task, 1)}.{option}"


def sweep(program, file, folder, settings=()):
    sets = [word for setting in settings for word in ("--set", setting)]
    command = [*program, "sweep", str(file), *sets, "--quiet", "--out", str(folder)]
    print(" ".join(command), flush=True)
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def trained(task, text):
    """The settings that leave one configuration with roles and one without, trained by gradient."""
    context = max(tomllib.loads(text)["space"]["reservoir.context"])
    gain = "gate_gain" if task == "bracket-matching" else "qk_gain"
    yield f"reservoir.context={context}"
    yield f"{key(task, gain)}={CENTRE}"
    yield f"{key(task, 'lag_bias')}=normal"
    if task not in UNTIED:
        yield f"{key(task, 'qk')}=tied"
    yield from ("learning.regime=full", "learning.epochs=200", "learning.learning_rate=0.003")


def rows_of(folder):
    """The rows of a sweep's trials, without those that failed on a seed."""
    with (folder / "results.csv").open() as file:
        return [row for row in csv.DictReader(file) if not row["problem"]]


class Results:
    """The rows of a sweep: a configuration's factors, and its errors by seed."""

    def __init__(self, folder, task):
        self.errors = {}
        self.commands = {}
        rows = rows_of(folder)
        contexts = sorted({int(row.get("reservoir.context") or 0) for row in rows})
        for row in rows:
            gain = row.get(key(task, "qk_gain")) or row.get(key(task, "gate_gain"))
            factors = (
                bool(row.get(key(task, "reads"))) or task == "bracket-matching",
                row.get(key(task, "qk")) or "independent",
                gain,
                row.get(key(task, "lag_bias")),
                int(row.get("reservoir.context") or 0) == contexts[-1],
            )
            score = float(row["test"])
            self.errors.setdefault(factors, []).append(score**0.5 if task == "lorenz" else 1 - score)
            self.commands[factors] = row["command"]

    def of(self, roles=None, qk=None, gain=None, bias=None, whole=None):
        """The configurations that have these factors; none is any."""
        wanted = (roles, qk, gain, bias, whole)
        return {
            factors: errors
            for factors, errors in self.errors.items()
            if all(want is None or want == have for want, have in zip(wanted, factors))
        }

    def mean(self, **factors):
        """Mean and deviation over seeds and configurations; none where there are none."""
        errors = list(itertools.chain.from_iterable(self.of(**factors).values()))
        return spread(errors) if errors else None

    def best(self, **factors):
        """The configuration with the smallest mean."""
        return min(map(spread, self.of(**factors).values()), default=None)


def spread(errors):
    return statistics.mean(errors), statistics.stdev(errors)


def cell(value):
    return "–" if value is None else f"{value[0]:.3f} ± {value[1]:.3f}"


def line(words):
    print("| " + " | ".join(words) + " |")


def results(out):
    return {task: Results(out / task, task) for task in TASKS}


def tables(out):
    found = results(out)

    def tie(task):
        return "independent" if task in UNTIED else "tied"

    columns = {
        "roles, g = 16": lambda r, t: r.mean(roles=True, qk=tie(t), gain="16.0", bias="normal", whole=True),
        "roles, g = 4": lambda r, t: r.mean(roles=True, qk=tie(t), gain="4.0", bias="normal", whole=True),
        "no bias by lag": lambda r, t: r.mean(roles=True, qk=tie(t), gain="16.0", bias="none", whole=True),
        "independent": lambda r, t: r.mean(roles=True, qk="independent", gain="16.0", bias="normal", whole=True)
        if tie(t) == "tied"
        else None,
        "half of C": lambda r, t: r.mean(roles=True, qk=tie(t), gain="16.0", bias="normal", whole=False),
        "fixed scores": lambda r, t: r.mean(roles=True, gain="0.0", bias="normal", whole=True),
        "uniform": lambda r, t: r.mean(roles=True, gain="0.0", bias="none", whole=True),
    }
    line(["task", *columns])
    line(["---"] * (len(columns) + 1))
    for task, rows in found.items():
        line([task, *(cell(column(rows, task)) for column in columns.values())])
    print()
    neurons = neurons_alone(out)
    line(["task", "best with roles", "best without", "all without", "neurons alone", "trained, roles", "trained, without"])
    line(["---"] * 7)
    for task, rows in found.items():
        folder = out / f"{task}-trained"
        by_gradient = Results(folder, task) if (folder / "results.csv").exists() else None
        values = [
            rows.best(roles=True),
            rows.best(roles=False),
            rows.mean(roles=False, whole=True),
            neurons.get(task),
            *(by_gradient and by_gradient.mean(roles=roles) for roles in (True, False)),
        ]
        line([task, *map(cell, values)])
    print()
    token = Results(out / "some-of-a-token", "some-of-a-token")
    print("three of five symbols:", cell(token.mean(whole=True)), "half of C:", cell(token.mean(whole=False)))
    print()
    attention_table(out)


def means(out):
    """Writes the mean and the deviation of every configuration."""
    with MEANS.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["task", "roles", "qk", "gain", "lag_bias", "whole_context", "error", "deviation", "seeds"])
        for task, found in results(out).items():
            for (roles, qk, gain, bias, whole), errors in sorted(found.errors.items()):
                mean, deviation = spread(errors)
                rows.writerow([task, roles, qk, gain, bias, whole, f"{mean:.4f}", f"{deviation:.4f}", len(errors)])
    print(f"written: {MEANS.relative_to(ROOT)}")


def neurons_alone(out):
    """The best wiring of neurons for each task."""
    trials = {}
    for row in rows_of(out / "neurons"):
        trials.setdefault((row["task.name"], row["trial"]), []).append(1 - float(row["test"]))
    best = {}
    for (task, _), errors in trials.items():
        best[task] = min(best.get(task, spread(errors)), spread(errors))
    return best


def measure(program, out):
    """Exports attention, and keeps its entropy and what falls on the right rows."""
    import numpy as np

    for task in MEASURED:
        place = out / f"{task}-attention.json"
        if place.exists():
            continue
        commands = Results(out / task, task).commands
        lines = []
        for (roles, qk, gain, bias, whole), command in commands.items():
            tied = qk == "tied" or task == "selective-copy"
            if not (whole and tied and bias == "normal"):
                continue
            for seed in FEW:
                file = out / f"{task}-attention.npz"
                words = without(shlex.split(command)[3:], "--seeds")
                export = ["experiment", "export", *words, "--seed", str(seed), "--split", "test"]
                options = ["--what", "data,attention", "--out", str(file)]
                subprocess.run([*program, *export, *options], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
                with np.load(file) as arrays:
                    entropy, weight = attention(task, arrays)
                file.unlink()
                lines.append({"roles": roles, "gain": gain, "seed": seed, "entropy": entropy, "weight": weight})
        place.write_text(json.dumps(lines, indent=1) + "\n")


def without(words, option):
    """The words without an option and its value."""
    place = words.index(option) if option in words else len(words)
    return words[:place] + words[place + 2 :]


def attention(task, arrays):
    """Mean entropy, as a share of the logarithm of the context, and mean weight on the right rows, in the scored steps."""
    import numpy as np

    inputs, targets = arrays["X_test"], arrays["Y_test"]
    weights = arrays["attention_test_recall"].mean(axis=3)
    context = weights.shape[-1]
    entropies, rights = [], []
    for sequence, steps in enumerate(targets[:, :, 0] != -100):
        for number, step in enumerate(np.flatnonzero(steps)):
            rows = weights[sequence, step]
            entropies.append(-(rows * np.log(np.maximum(rows, 1e-12))).sum(axis=-1).mean() / np.log(context))
            # The newest row is the last of the window.
            places = right_rows(task, inputs[sequence], number, step) - step + context - 1
            rights.append(rows[:, places].sum(axis=-1).mean())
    return float(np.mean(entropies)), float(np.mean(rights))


def right_rows(task, inputs, number, step):
    """Where the answer of a scored step stands; inputs are standardised or not, and only compared."""
    import numpy as np

    if task == "associative-recall":
        symbols = inputs.argmax(axis=1)
        # Three pairs of key and value come first.
        asked = [pair for pair in range(3) if symbols[2 * pair] == symbols[step]]
        return np.array([2 * asked[0] + 1])
    if task == "sorting-problem":
        return np.array([inputs[:, 3 + number].argmax()])
    marker = inputs[:, 3] > inputs[:, 3].min()
    if task == "selective-copy":
        # Units with roles read the marker a step later, and without at once or later.
        row = np.flatnonzero(marker)[number]
        return np.array([row, row + 1])
    return np.flatnonzero(marker)


def measured(out, task):
    lines = json.loads((out / f"{task}-attention.json").read_text())
    table = {}
    for one in lines:
        table.setdefault((one["roles"], one["gain"]), []).append((one["entropy"], one["weight"]))
    return {factors: tuple(map(statistics.mean, zip(*values))) for factors, values in table.items()}


def attention_table(out):
    line(["task", "roles", *(f"g = {float(gain):g}" for gain in GAINS)])
    line(["---"] * (len(GAINS) + 2))
    for task in MEASURED:
        table = measured(out, task)
        for roles in (True, False):
            cells = [table[(roles, gain)] for gain in GAINS]
            line([task, "by hand" if roles else "none", *(f"{entropy:.2f}, {weight:.2f}" for entropy, weight in cells)])


STYLES = [
    ("roles, tied, bias by lag", dict(roles=True, qk="tied", bias="normal"), "C0", "-"),
    ("roles, tied", dict(roles=True, qk="tied", bias="none"), "C0", ":"),
    ("roles, independent, bias by lag", dict(roles=True, qk="independent", bias="normal"), "C1", "-"),
    ("roles, independent", dict(roles=True, qk="independent", bias="none"), "C1", ":"),
    ("no roles, tied, bias by lag", dict(roles=False, qk="tied", bias="normal"), "C7", "-"),
    ("no roles, independent, bias by lag", dict(roles=False, qk="independent", bias="normal"), "C7", "--"),
]


def error_by_gain(out):
    figure, axes = pyplot().subplots(3, 3, figsize=(9, 8), sharex=True)
    neurons = neurons_alone(out)
    for axis, (task, rows) in zip(axes.flat, results(out).items()):
        for label, factors, colour, style in STYLES:
            points = [(place, rows.mean(gain=gain, whole=True, **factors)) for place, gain in enumerate(GAINS)]
            points = [(place, *value) for place, value in points if value]
            if points:
                x, y, deviation = zip(*points)
                axis.errorbar(x, y, deviation, color=colour, linestyle=style, label=label, capsize=2, linewidth=1.3, elinewidth=0.6)
        if task in neurons:
            axis.axhline(neurons[task][0], color="black", linewidth=0.8, label="neurons alone")
        axis.set_title("lorenz (RMSE)" if task == "lorenz" else task, fontsize=10)
        axis.set_ylim(bottom=0)
        axis.set_xticks(range(len(GAINS)), [f"{float(gain):g}" for gain in GAINS])
    for axis in axes[:, 0]:
        axis.set_ylabel("error")
    for axis in axes[-1]:
        axis.set_xlabel("gain g")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=3, frameon=False)
    figure.tight_layout(rect=(0, 0.09, 1, 1))
    save(figure, "attention-error.svg")


def attention_by_gain(out):
    figure, axes = pyplot().subplots(1, 2, figsize=(9, 3.6), sharex=True)
    for number, task in enumerate(MEASURED):
        table = measured(out, task)
        for roles, style in ((True, "-"), (False, "--")):
            for axis, which in zip(axes, (0, 1)):
                values = [table[(roles, gain)][which] for gain in GAINS]
                axis.plot(range(len(GAINS)), values, style, color=f"C{number}", marker="o", markersize=3, label=f"{task}{'' if roles else ', no roles'}")
    for axis, title in zip(axes, ("entropy / log C", "weight on the right rows")):
        axis.set_title(title, fontsize=10)
        axis.set_ylim(0, 1.02)
        axis.set_xticks(range(len(GAINS)), [f"{float(gain):g}" for gain in GAINS])
        axis.set_xlabel("gain g")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=4, frameon=False, fontsize=8)
    figure.tight_layout(rect=(0, 0.15, 1, 1))
    save(figure, "attention-rows.svg")


if __name__ == "__main__":
    main()
