"""Runs the study docs/studies/beside-transformers.md, and writes its tables and pictures.

    python3 tests/peers/beside_transformers.py run [--out DIR] [--tasks NAME ...] [--kinds NAME ...]     (goes on where it stopped)
    python3 tests/peers/beside_transformers.py write [--out DIR]    (tables on standard output, pictures into docs)

`run` makes, for each task and network, the sweep of docs/studies/beside-transformers with that task and network put in: some two hours on one core.
matplotlib is installed with pip into a virtual environment (default: target/peers/study) unless it can be imported already. Needs Python 3.11.
"""

import argparse
import csv
import json
import re
import shlex
import statistics
import subprocess
from pathlib import Path

from environment import ROOT, ensure_package
from pictures import pyplot, save

STUDY = ROOT / "docs" / "studies" / "beside-transformers"
TASKS = [
    "japanese-vowels",
    "adding-problem-small",
    "bracket-matching-small",
    "induction-heads-small",
    "selective-copy-small",
    "sorting-problem-small",
    "associative-recall-small",
    "cross-situation-small",
    "simple-copy-small",
    "discrete-pattern-completion-small",
    "discrete-postcasting-small",
    "continuous-pattern-completion-small",
    "continuous-postcasting-small",
    "chaotic-forecasting-small",
    "sinus-forecasting-small",
]
# Their score is a mean squared error already.
SQUARED = TASKS[-4:]
RESERVOIR = "ran, reservoir"
KINDS = [RESERVOIR, "ran", "gru", "lstm", "transformer", "retnet", "rwkv", "mamba", "echo-state-transformer"]
CURVES = ["japanese-vowels", "adding-problem-small"]
# The task whose networks' cost per step is shown.
STEP = "adding-problem-small"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["run", "write"])
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "beside-transformers")
    parser.add_argument("--venv", type=Path, default=ROOT / "target" / "peers" / "study")
    parser.add_argument("--ran", type=Path, help="a program that is built already, in place of cargo xtask")
    parser.add_argument("--tasks", nargs="+", default=TASKS)
    parser.add_argument("--kinds", nargs="+", default=KINDS)
    arguments = parser.parse_args()
    program = [str(arguments.ran.resolve())] if arguments.ran else ["cargo", "xtask"]
    if arguments.action == "run":
        arguments.out.mkdir(parents=True, exist_ok=True)
        for kind in arguments.kinds:
            for task in arguments.tasks:
                search(program, task, kind, arguments.out)
    else:
        ensure_package("matplotlib", "matplotlib", arguments.venv)
        write(program, arguments.out)


def place(out, task, kind):
    return out / f"{task}-{kind.replace(', ', '-')}"


def search(program, task, kind, out):
    """Twelve tries on validation data; the best of them on test data, with five seeds."""
    folder = place(out, task, kind)
    if (folder / "final.csv").exists() or (folder / "records.jsonl").exists():
        return
    if kind == RESERVOIR:
        options = ["--search", "12", "--trained-at-most", "10100", "--seeds", "1000..1005", "--no-model", "--no-pictures"]
        # Where a task has many outputs, the readout of every network of the space is larger.
        subprocess.run([*program, "experiment", task, *options, "--workers", "1", "--quiet", "--out", str(folder)], check=False)
        return
    if folder.exists():
        subprocess.run([*program, "sweep", "--resume", str(folder), "--workers", "1", "--quiet"], check=True)
        return
    text = (STUDY / ("ran.toml" if kind == "ran" else "networks.toml")).read_text()
    text = re.sub(r'^base = ".*"', f'base = "{task}"', text, flags=re.M)
    text = text.replace('"network.kind" = "gru"', f'"network.kind" = "{kind}"')
    if task == "japanese-vowels":
        text = text.replace('features = "last"', 'features = "mean-and-last"')
    if kind == "echo-state-transformer":
        text = text.replace("{ from = 8, to = 64 }", "{ from = 2, to = 8 }").replace("at_least = 6_000", "at_least = 3_000")
    file = out / f"{folder.name}.toml"
    file.write_text(text)
    subprocess.run([*program, "sweep", str(file), "--out", str(folder), "--workers", "1", "--quiet"], check=True)


def rows(path):
    with open(path) as file:
        return list(csv.DictReader(file))


class Cell:
    """What was found for one network on one task."""

    def __init__(self, out, task, kind):
        folder = place(out, task, kind)
        if kind == RESERVOIR:
            records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
            tests = [record["test"] for record in records]
            self.parameters = records[0]["trained_parameters"]
            tries = rows(folder / "search" / "results.csv")
            self.command = []
        else:
            final = rows(folder / "final.csv")
            tests = [float(row["test"]) for row in final]
            self.parameters = int(final[0]["trained_parameters"])
            tries = rows(folder / "results.csv")
            self.command = shlex.split(final[0]["command"])[2:]
        errors = tests if task in SQUARED else [1 - test for test in tests]
        self.mean, self.deviation = statistics.mean(errors), statistics.stdev(errors)
        # A trial's seconds stand in the row of each of its seeds.
        self.seconds = sum({row["trial"]: float(row["seconds"] or 0) for row in tries}.values())
        self.failed = len({row["trial"] for row in tries if row["problem"]})

    def __str__(self):
        return f"{self.mean:.4f} ± {self.deviation:.4f}"


def found(out, task, kind):
    folder = place(out, task, kind)
    return (folder / "final.csv").exists() or (folder / "records.jsonl").exists()


def write(program, out):
    cells = {(task, kind): Cell(out, task, kind) for task in TASKS for kind in KINDS if found(out, task, kind)}
    line(["task", *KINDS])
    line(["---"] * (len(KINDS) + 1))
    for task in TASKS:
        shown = [cells.get((task, kind)) for kind in KINDS]
        best = min(cell.mean for cell in shown if cell)
        line([task, *(re.sub(r"^\S+", r"**\g<0>**", str(cell)) if cell and cell.mean == best else cell or "–" for cell in shown)])
    print()
    line(["network", "trained parameters", "seconds of twelve tries", "multiply-adds a step, position 64", "10,000", "numbers remembered, 64", "10,000"])
    line(["---"] * 7)
    for kind in KINDS[1:]:
        of = [cells[task, kind] for task in TASKS if (task, kind) in cells]
        parameters = [cell.parameters for cell in of]
        step = costs(program, cells[STEP, kind]) if (STEP, kind) in cells else ["–"] * 4
        line([kind, f"{min(parameters):,} to {max(parameters):,}", f"{sum(cell.seconds for cell in of) / len(of):.0f}", *step])
    points(cells)
    curves(program, out, cells)


def costs(program, cell):
    """What a step of the network found for the adding problem costs and remembers."""
    arguments = ["describe", *cell.command[1:], "--json"]
    told = json.loads(subprocess.run([*program, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[0])
    if "network" in told:
        at = {one["position"]: one for one in told["network"]["at"]}
        return [f"{at[position][what]:,}" for what in ("multiply_adds", "memory") for position in (64, 10_000)]
    memory = told["context"] * told["wiring"]["slots"]
    return [f"{told['multiply_adds_per_step']:,}"] * 2 + [f"{memory:,}"] * 2


def points(cells):
    figure, axes = pyplot().subplots(5, 3, figsize=(9, 13), sharey=True)
    for axis, task in zip(axes.flat, TASKS):
        for place, kind in enumerate(reversed(KINDS)):
            cell = cells.get((task, kind))
            if cell is None:
                continue
            colour = "C3" if kind.startswith("ran") else "C0"
            axis.errorbar(cell.mean, place, xerr=cell.deviation, fmt="o", color=colour, markersize=4, capsize=2, linewidth=1)
        axis.set_yticks(range(len(KINDS)), list(reversed(KINDS)))
        axis.set_xlim(left=0)
        axis.grid(axis="x", linewidth=0.3)
        axis.set_title(task, fontsize=10)
    for axis in axes[-1]:
        axis.set_xlabel("error on test sequences")
    figure.tight_layout()
    save(figure, "beside-transformers-error.svg")


def curves(program, out, cells):
    """Validation loss against processor seconds, of the configurations that were chosen, on one thread."""
    figure, axes = pyplot().subplots(1, 2, figsize=(9, 4))
    for axis, task in zip(axes, CURVES):
        for number, kind in enumerate(KINDS[1:]):
            if (task, kind) not in cells:
                continue
            folder = place(out, task, kind) / "curve"
            if not folder.exists():
                options = ["--seeds", "1000", "--quiet", "--no-model", "--no-pictures", "--out", str(folder)]
                subprocess.run([*program, *cells[task, kind].command, *options], check=True, stdout=subprocess.DEVNULL)
            history = [json.loads(text) for text in (folder / "history.jsonl").read_text().splitlines()]
            record = json.loads((folder / "records.jsonl").read_text())
            seconds = [record["seconds"] * epoch["epoch"] / len(history) for epoch in history]
            axis.plot(seconds, [epoch["valid_loss"] for epoch in history], color=f"C{number}", label=kind, linewidth=1.3)
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel("seconds")
        axis.set_title(task, fontsize=10)
    axes[0].set_ylabel("loss on validation data")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=4, frameon=False)
    figure.tight_layout(rect=(0, 0.13, 1, 1))
    save(figure, "beside-transformers-loss.svg")


def line(cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |")


if __name__ == "__main__":
    main()
