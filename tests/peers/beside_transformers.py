"""Runs the study docs/studies/beside-transformers.md, and writes its tables and pictures.

    python3 tests/peers/beside_transformers.py run [--out DIR]      (goes on where it stopped)
    python3 tests/peers/beside_transformers.py write [--out DIR]    (tables on standard output, pictures into docs)
    python3 tests/peers/beside_transformers.py text [--out DIR]     (the table and the picture of tiny Shakespeare; goes on where it stopped)
    python3 tests/peers/beside_transformers.py text-10k [--out DIR]     (likewise with some 10,000 parameters; text-1m: with a million)
    python3 tests/peers/beside_transformers.py images [--out DIR]   (likewise of sequential MNIST by columns)

`run` and `write` take `--tasks NAME ...`, all take `--kinds NAME ...`. `run` makes, for each task and network, the sweep of
docs/studies/beside-transformers with that task and network put in: some three hours on one core. `write` puts the results in DIR into docs/studies/beside-transformers.csv. The table and the picture of errors are made
from that file; costs are those of the networks whose configurations it has, and curves are drawn where DIR has all of them.
`text` chooses a learning rate for each network on the first quarter of tiny Shakespeare, then trains it on all of it: some 50 minutes on one core.
`text-10k` takes some 20 minutes, `text-1m` an hour for three networks; the picture of scores against parameters is made from all three.
`images` does so with a quarter of the training images, and takes about as long as `text`.
Seconds are wall-clock seconds of one thread, those of a training spread evenly over its epochs; of text and images they are processor seconds (the table of text that is there has wall-clock seconds).
matplotlib is installed with pip into a virtual environment (default: target/peers/study) unless it can be imported already. Needs Python 3.11.
"""

import argparse
import csv
import json
import os
import re
import resource
import shlex
import shutil
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from environment import ROOT, ensure_package
from pictures import pyplot, save

STUDY = ROOT / "docs" / "studies" / "beside-transformers"
FOUND = STUDY.with_suffix(".csv")
STEPS = STUDY.parent / "beside-transformers-steps.csv"
STEP_FIELDS = ["network", "multiply_adds_64", "multiply_adds_10000", "numbers_64", "numbers_10000"]
FIELDS = ["task", "network", "error", "deviation", "trained_parameters", "command"]
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
SQUARED = ("continuous-pattern-completion", "continuous-postcasting", "chaotic-forecasting", "sinus-forecasting")
# Ten times as many sequences, which are longer: `run --tasks … --kinds ran` makes them, 2 to 40 minutes each on one core.
MEDIUM = [task.replace("-small", "-medium") for task in TASKS[1:]]
RESERVOIR = "ran, reservoir"
KINDS = [RESERVOIR, "ran", "gru", "lstm", "transformer", "retnet", "rwkv", "mamba", "echo-state-transformer"]
SEEDS = 5
CURVES = ["japanese-vowels", "adding-problem-small"]
# The task whose networks' cost per step is shown.
STEP = "adding-problem-small"

SHAKESPEARE = ROOT / "datasets" / "tiny-shakespeare" / "tiny_shakespeare.txt"


@dataclass
class Long:
    """A task with much to learn from: for each network a learning rate by a quarter of it, then all of it."""

    name: str
    preset: str
    # Of about as many parameters each, in place of the preset's units.
    networks: dict
    rates: list
    # The score, and which of two is better.
    score: str
    best: Callable
    settings: list
    # Passes over the training part of those that make more than one: the network whose pass is the quickest, up to the time of others.
    passes: dict
    # A function of the folder of results: settings with which a quarter is learnt from, and judged on what is held out of it.
    quarter: Callable
    axis: str
    ticks: list

    def csv(self):
        return STUDY.parent / f"beside-transformers-{self.name}.csv"

    def fields(self):
        return ["network", "epochs", "learning_rate", "trained_parameters", self.score, "seconds"]


def quarter_of_text(out):
    quarter = out / "quarter.txt"
    whole = SHAKESPEARE.read_text()
    quarter.write_text(whole[: len(whole) // 4])
    return [f"task.file={quarter}", "task.valid=0.05"]


LONG = [
    Long(
        name="text",
        preset="shakespeare",
        networks={
            "ran": ["reservoir.population.0.d_unit=32"],
            "gru": ["network.kind=gru", "network.width=144", "network.layers=1"],
            "lstm": ["network.kind=lstm", "network.width=124", "network.layers=1"],
            "transformer": ["network.kind=transformer", "network.width=64", "network.layers=2", "network.context=64"],
            "retnet": ["network.kind=retnet", "network.width=64", "network.layers=2"],
            "rwkv": ["network.kind=rwkv", "network.width=56", "network.layers=2"],
            "mamba": ["network.kind=mamba", "network.width=64", "network.layers=3"],
        },
        rates=["0.002", "0.005", "0.01", "0.02"],
        score="nats",
        best=min,
        settings=["input_map.width=64"],
        passes={"ran": [1, 2, 4, 8]},
        quarter=quarter_of_text,
        axis="nats per character of the test part",
        ticks=[50, 100, 200, 400],
    ),
    Long(
        name="images",
        preset="sequential-mnist-full",
        networks={
            "ran": ["reservoir.population.0.d_unit=32"],
            "gru": ["network.kind=gru", "network.width=160", "network.layers=1"],
            "lstm": ["network.kind=lstm", "network.width=136", "network.layers=1"],
            "transformer": ["network.kind=transformer", "network.width=64", "network.layers=2"],
            "retnet": ["network.kind=retnet", "network.width=64", "network.layers=2"],
            "rwkv": ["network.kind=rwkv", "network.width=56", "network.layers=2"],
            "mamba": ["network.kind=mamba", "network.width=64", "network.layers=3"],
        },
        rates=["0.001", "0.003", "0.01"],
        score="accuracy",
        best=max,
        settings=[],
        passes={"ran": [1, 2, 4]},
        quarter=lambda out: ["task.limit=15000", "task.valid=0.1"],
        axis="accuracy on test images",
        ticks=[50, 100, 200, 400, 800],
    ),
]
TEXT = LONG[0]
SIZES = [
    replace(
        TEXT,
        name="text-10k",
        networks={
            "ran": ["reservoir.population.0.d_unit=7"],
            "gru": ["network.kind=gru", "network.width=38", "network.layers=1"],
            "lstm": ["network.kind=lstm", "network.width=33", "network.layers=1"],
            "transformer": ["network.kind=transformer", "network.width=16", "network.layers=2", "network.context=64"],
            "retnet": ["network.kind=retnet", "network.width=16", "network.layers=2"],
            "rwkv": ["network.kind=rwkv", "network.width=16", "network.layers=1"],
            "mamba": ["network.kind=mamba", "network.width=16", "network.layers=2"],
        },
        settings=["input_map.width=16"],
        passes={"ran": [1, 2, 4]},
        ticks=[10, 20, 50, 100],
    ),
    TEXT,
    replace(
        TEXT,
        name="text-1m",
        networks={
            "ran": ["reservoir.population.0.d_unit=104"],
            "gru": ["network.kind=gru", "network.width=504", "network.layers=1"],
            "transformer": ["network.kind=transformer", "network.width=144", "network.layers=4", "network.context=64"],
        },
        # As many as for the others, and half as large, as wide networks usually want them.
        rates=["0.001", "0.002", "0.005", "0.01"],
        settings=["input_map.width=128"],
        passes={},
        ticks=[200, 500, 1000],
    ),
]
LONG = {task.name: task for task in [*SIZES, *LONG[1:]]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=["run", "write", *LONG])
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "beside-transformers")
    parser.add_argument("--venv", type=Path, default=ROOT / "target" / "peers" / "study")
    parser.add_argument("--ran", type=Path, help="a program that is built already, in place of cargo xtask")
    parser.add_argument("--tasks", nargs="+", default=TASKS)
    parser.add_argument("--kinds", nargs="+", default=KINDS)
    arguments = parser.parse_args()
    program = [str(arguments.ran.resolve())] if arguments.ran else ["cargo", "xtask"]
    os.environ["RAYON_NUM_THREADS"] = "1"
    if arguments.action == "run":
        arguments.out.mkdir(parents=True, exist_ok=True)
        for kind in arguments.kinds:
            for task in arguments.tasks:
                search(program, task, kind, arguments.out)
    elif arguments.action in LONG:
        ensure_package("matplotlib", "matplotlib", arguments.venv)
        task = LONG[arguments.action]
        learn(program, arguments.out, task, [kind for kind in arguments.kinds if kind in task.networks])
    else:
        ensure_package("matplotlib", "matplotlib", arguments.venv)
        write(program, arguments.out, arguments.tasks, arguments.kinds)


def place(out, task, kind):
    return out / f"{task}-{kind.replace(', ', '-')}"


def search(program, task, kind, out):
    """Twelve tries on validation data; the best of them on test data, with five seeds."""
    if done(out, task, kind):
        return
    folder = place(out, task, kind)
    common = ["--workers", "1", "--quiet"]
    if kind == RESERVOIR:
        # Searching is quick, and begins anew. Where a task has many outputs, no readout of the space is small enough, which the search says.
        options = ["--search", "12", "--trained-at-most", "10100", "--seeds", "1000..1005", "--no-model", "--no-pictures"]
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([*program, "experiment", task, *options, *common, "--out", str(folder)], cwd=ROOT)
        return
    if (folder / "sweep.toml").exists():
        subprocess.run([*program, "sweep", "--resume", str(folder), *common], cwd=ROOT, check=True)
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
    subprocess.run([*program, "sweep", str(file), "--out", str(folder), *common], cwd=ROOT, check=True)


def tests(out, task, kind):
    """The scores on test data, as far as they are there."""
    folder = place(out, task, kind)
    if kind == RESERVOIR:
        records = folder / "records.jsonl"
        lines = records.read_text().splitlines() if records.exists() else []
        return [json.loads(line)["test"] for line in lines]
    final = folder / "final.csv"
    return [float(row["test"]) for row in rows(final) if row["test"]] if final.exists() else []


def done(out, task, kind):
    return len(tests(out, task, kind)) == SEEDS


def rows(path):
    with open(path) as file:
        return list(csv.DictReader(file))


def cell(out, task, kind):
    """What was found for one network on one task: a row of the file."""
    if kind == RESERVOIR:
        parameters = json.loads((place(out, task, kind) / "records.jsonl").read_text().splitlines()[0])["trained_parameters"]
        command = ""
    else:
        first = rows(place(out, task, kind) / "final.csv")[0]
        parameters, command = first["trained_parameters"], first["command"]
    scores = tests(out, task, kind)
    errors = scores if task.startswith(SQUARED) else [1 - score for score in scores]
    mean, deviation = statistics.mean(errors), statistics.stdev(errors)
    return dict(zip(FIELDS, [task, kind, f"{mean:.4f}", f"{deviation:.4f}", str(parameters), command]))


def gathered(out):
    """What is in the file, with what is in the folder in its place; written back."""
    found = {(row["task"], row["network"]): row for row in rows(FOUND)}
    found |= {(task, kind): cell(out, task, kind) for task in TASKS + MEDIUM for kind in KINDS if done(out, task, kind)}
    order = sorted(found, key=lambda one: ((TASKS + MEDIUM).index(one[0]), KINDS.index(one[1])))
    with open(FOUND, "w", newline="") as file:
        table = csv.DictWriter(file, FIELDS, lineterminator="\n")
        table.writeheader()
        table.writerows(found[key] for key in order)
    return found


def errors(found, tasks, kinds):
    """A table of what was found, the best of a row in bold."""
    line(["task", *kinds])
    line(["---"] * (len(kinds) + 1))
    for task in tasks:
        shown = [found.get((task, kind)) for kind in kinds]
        best = min((one["error"] for one in shown if one), key=float, default=None)
        texts = [f"{one['error']} ± {one['deviation']}" if one else "–" for one in shown]
        line([task, *(text.replace(best, f"**{best}**", 1) if one and one["error"] == best else text for one, text in zip(shown, texts))])


def write(program, out, tasks, kinds):
    found = gathered(out)
    kinds = [kind for kind in kinds if any((task, kind) in found for task in tasks)]
    errors(found, tasks, kinds)
    print()
    errors(found, MEDIUM, [kind for kind in kinds if any((task, kind) in found for task in MEDIUM)])
    print()
    line(["network", "trained parameters", "multiply-adds a step, position 64", "10,000", "numbers remembered, 64", "10,000"])
    line(["---"] * 6)
    steps = {row["network"]: row for row in rows(STEPS)}
    for kind in kinds:
        if found.get((STEP, kind), {}).get("command"):
            steps[kind] = dict(zip(STEP_FIELDS, [kind, *costs(program, found[STEP, kind]["command"])]))
        parameters = [found[task, kind]["trained_parameters"] for task in tasks if (task, kind) in found]
        if kind in steps and parameters:
            # Rows from before the file had parameters are on the page alone.
            span = f"{min(map(int, parameters)):,} to {max(map(int, parameters)):,}" if all(parameters) else "–"
            line([kind, span, *(f"{int(steps[kind][field]):,}" for field in STEP_FIELDS[1:])])
    with open(STEPS, "w", newline="") as file:
        table = csv.DictWriter(file, STEP_FIELDS, lineterminator="\n")
        table.writeheader()
        table.writerows(steps.values())
    by_position(steps)
    points(found, tasks, kinds)
    if all(done(out, task, kind) for task in CURVES for kind in kinds if kind != RESERVOIR):
        curves(program, out, found, kinds)


def costs(program, command):
    """What a step of the network found for the adding problem costs and remembers."""
    arguments = ["describe", *shlex.split(command)[3:], "--json"]
    told = json.loads(subprocess.run([*program, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[0])
    if "network" in told:
        at = {one["position"]: one for one in told["network"]["at"]}
        return [at[position][what] for what in ("multiply_adds", "memory") for position in (64, 10_000)]
    return [told["multiply_adds_per_step"]] * 2 + [told["remembered"]] * 2


def by_position(steps):
    """What a step costs and what is remembered after it, against its position: a Transformer's grow by the same with each step."""
    figure, axes = pyplot().subplots(1, 2, figsize=(9, 3.6))
    positions = [2**power for power in range(14)]
    for axis, what, title in zip(axes, ["multiply_adds", "numbers"], ["multiply-adds of a step", "numbers remembered after it"]):
        for number, (kind, step) in enumerate(steps.items()):
            first, last = (int(step[f"{what}_{position}"]) for position in (64, 10_000))
            slope = (last - first) / (10_000 - 64)
            axis.plot(positions, [first + slope * (position - 64) for position in positions], color=f"C{number}", label=kind, linewidth=1.3)
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel("steps before")
        axis.set_title(title, fontsize=10)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=len(labels), frameon=False)
    figure.tight_layout(rect=(0, 0.1, 1, 1))
    save(figure, "beside-transformers-steps.svg")


def points(found, tasks, kinds):
    count = -(-len(tasks) // 3)
    figure, axes = pyplot().subplots(count, 3, figsize=(9, 0.6 + 2.4 * count), sharey=True, squeeze=False)
    for axis, task in zip(axes.flat, tasks):
        for place, kind in enumerate(reversed(kinds)):
            one = found.get((task, kind))
            if one is None:
                continue
            colour = "C3" if kind.startswith("ran") else "C0"
            axis.errorbar(float(one["error"]), place, xerr=float(one["deviation"]), fmt="o", color=colour, markersize=4, capsize=2, linewidth=1)
        axis.set_yticks(range(len(kinds)), list(reversed(kinds)))
        axis.set_xlim(left=0)
        axis.locator_params(axis="x", nbins=4)
        axis.grid(axis="x", linewidth=0.3)
        axis.set_title(task, fontsize=10)
    for axis in axes[-1]:
        axis.set_xlabel("error on test sequences")
    figure.tight_layout()
    save(figure, "beside-transformers-error.svg")


def curves(program, out, found, kinds):
    """Validation loss against seconds, of the configurations that were chosen."""
    figure, axes = pyplot().subplots(1, 2, figsize=(9, 4))
    for axis, task in zip(axes, CURVES):
        for number, kind in enumerate(kinds):
            if kind == RESERVOIR or not done(out, task, kind):
                continue
            folder = place(out, task, kind) / "curve"
            if not (folder / "records.jsonl").exists():
                options = ["--seeds", "1000", "--quiet", "--no-model", "--no-pictures", "--out", str(folder)]
                subprocess.run([*program, *shlex.split(found[task, kind]["command"])[2:], *options], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
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


def learn(program, out, task, kinds):
    """What each network scores on the test part after one pass or more, and the seconds that it took."""
    out.mkdir(parents=True, exist_ok=True)
    # The program is built before time is taken.
    subprocess.run([*program, "experiment", "--list"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    file, fields = task.csv(), task.fields()
    quarter = task.quarter(out)
    found = {(row["network"], int(row["epochs"])): row for row in rows(file)} if file.exists() else {}
    for kind in kinds:
        tries = {rate: learnt(program, out, task, kind, rate, 1, 100, quarter) for rate in task.rates}
        rate = task.best(tries, key=lambda rate: tries[rate]["valid"])
        found = {key: row for key, row in found.items() if key[0] != kind or row["learning_rate"] == rate}
        for epochs in task.passes.get(kind, [1]):
            record = learnt(program, out, task, kind, rate, epochs, 1000, [])
            seconds = processor_seconds(out, task, kind, rate, epochs, 1000)
            numbers = [record["trained_parameters"], f"{record['test']:.4f}", f"{seconds:.0f}"]
            found[kind, epochs] = dict(zip(fields, [kind, epochs, rate, *numbers]))
            with open(file, "w", newline="") as opened:
                table = csv.DictWriter(opened, fields, lineterminator="\n")
                table.writeheader()
                table.writerows(found.values())
    line(fields)
    line(["---"] * len(fields))
    for row in found.values():
        line(row[field] for field in fields)
    figure, axis = pyplot().subplots(figsize=(6, 4))
    for number, kind in enumerate(task.networks):
        own = [row for row in found.values() if row["network"] == kind]
        if own:
            seconds, scores = ([float(row[field]) for row in own] for field in ("seconds", task.score))
            axis.plot(seconds, scores, "o-", color=f"C{number}", label=kind, linewidth=1.3)
    axis.set_xscale("log")
    axis.minorticks_off()
    axis.set_xticks(task.ticks, [str(tick) for tick in task.ticks])
    axis.set_xlabel("seconds of one core")
    axis.set_ylabel(task.axis)
    axis.legend(frameon=False)
    figure.tight_layout()
    save(figure, f"beside-transformers-{task.name}.svg")
    if task in SIZES:
        by_parameters()


def by_parameters():
    """Scores of the text after one pass, against how many parameters were trained."""
    files = [task.csv() for task in SIZES if task.csv().exists()]
    found = [row for file in files for row in rows(file) if row["epochs"] == "1"]
    figure, axis = pyplot().subplots(figsize=(7, 4))
    for number, kind in enumerate(TEXT.networks):
        own = sorted((int(row["trained_parameters"]), float(row[TEXT.score])) for row in found if row["network"] == kind)
        if own:
            axis.plot(*zip(*own), "o-", color=f"C{number}", label=kind, linewidth=1.3)
    axis.set_xscale("log")
    axis.set_xlabel("trained parameters")
    axis.set_ylabel(TEXT.axis)
    # Beside the lines, which go through all of the picture.
    axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    figure.tight_layout()
    save(figure, "beside-transformers-parameters.svg")


def learnt_in(out, task, kind, rate, epochs, seed):
    return out / f"{task.name}-{kind}-{rate}-{epochs}-{seed}"


def learnt(program, out, task, kind, rate, epochs, seed, settings):
    """The record of a network that learnt from such a task; made where it is not there."""
    folder = learnt_in(out, task, kind, rate, epochs, seed)
    records = folder / "records.jsonl"
    if not (folder / "processor_seconds").exists():
        shutil.rmtree(folder, ignore_errors=True)
        settings = [*task.networks[kind], *settings, *task.settings, f"learning.learning_rate={rate}", f"learning.epochs={epochs}"]
        options = [part for setting in settings for part in ("--set", setting)]
        seeds = ["--seeds", f"{seed}..{seed + 1}", "--no-model", "--no-pictures", "--quiet", "--out", str(folder)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*program, "experiment", task.preset, *options, *seeds], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        (folder / "processor_seconds").write_text(f"{used:.1f}\n")
    return json.loads(records.read_text().splitlines()[0])


def processor_seconds(out, task, kind, rate, epochs, seed):
    """The processor time of such a run on one core, which other work on the machine changes little."""
    return float((learnt_in(out, task, kind, rate, epochs, seed) / "processor_seconds").read_text())


def line(cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |")


if __name__ == "__main__":
    main()
