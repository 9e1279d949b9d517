"""Draws many units whose roles are random, and keeps those that a closed form prefers on the training set.

    python3 tests/peers/screening.py [--ran PROGRAM] [--seeds 1000..1005] [--out DIR]

A pool of 800 attention units, 160 populations of 5, each with roles drawn at random from what `--space roles` lets roles be; the readout sees
some of them. `all` keeps all 800, `random` 100 of them by chance, `each` the 100 that explain most of the targets alone on the training
set, `forward` at most 100 one after another, each explaining most of what the others left; what as many random columns would explain is taken
off (adjusted R²), and where nothing is left `forward` stops. λ and how many of the units are kept are chosen on validation sequences;
errors are of test sequences. Nothing else is chosen. numpy is installed with pip into a virtual environment
(default: target/peers/study) unless it can be imported already. Needs Python 3.11.
"""

import argparse
import json
import math
import random
import statistics
import subprocess
import tomllib
from pathlib import Path

from environment import ROOT, ensure_package

TASKS = ["associative-recall-small", "selective-copy-small", "sorting-problem-small"]
POPULATIONS, UNITS, KEPT = 160, 5, 100
CONTEXT = 64
SIZES = [10, 20, 40, 70, 100]
LAMBDAS = [10.0**e for e in range(3, -7, -1)]
MEMORIES = {"clock", "count", "codes"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ran", type=Path, help="a program that is built already, in place of cargo xtask")
    parser.add_argument("--seeds", default="1000..1005")
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "screening")
    parser.add_argument("--venv", type=Path, default=ROOT / "target" / "peers" / "study")
    arguments = parser.parse_args()
    ensure_package("numpy", "numpy", arguments.venv)
    program = [str(arguments.ran.resolve())] if arguments.ran else ["cargo", "xtask"]
    first, end = map(int, arguments.seeds.split(".."))
    print("| task | all 800 | 100 by chance | 100, each by itself | 100 forward |\n|---|---|---|---|---|")
    for task in TASKS:
        errors = [judged(program, task, seed, arguments.out / task) for seed in range(first, end)]
        cells = [mean_and_deviation([error[how] for error in errors]) for how in ("all", "random", "each", "forward")]
        print(f"| {task} | {' | '.join(cells)} |", flush=True)


def mean_and_deviation(values):
    return f"{statistics.mean(values):.3f} ± {statistics.stdev(values) if len(values) > 1 else 0:.3f}"


def call(program, *words):
    subprocess.run([*program, *map(str, words)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def judged(program, task, seed, out):
    """The error of each way to keep units."""
    out.mkdir(parents=True, exist_ok=True)
    base, space = generic_space(program, task, out)
    file = out / f"{seed}.toml"
    file.write_text(pool(program, base, space, random.Random(seed), out))
    arrays = out / f"{seed}.npz"
    call(program, "experiment", "export", file, "--what", "data,features", "--seed", seed, "--out", arrays)
    return select(arrays, tomllib.loads(file.read_text()), random.Random(seed))


def generic_space(program, task, out):
    """The configuration and the keys that a search for the task would begin with."""
    folder = out / "space"
    if not (folder / "search" / "sweep.toml").exists():
        short = ["--set", "task.limit=10", "--no-model", "--no-pictures"]
        search = ["experiment", task, "--search", "16", "--space", "roles", "--seeds", "100", "--out", str(folder), *short]
        # The space is written before the trials, of which none may be a good one.
        subprocess.run([*program, *search], cwd=ROOT, check=False, capture_output=True)
    sweep = tomllib.loads((folder / "search" / "sweep.toml").read_text())
    base = tomllib.loads((folder / "search" / "base" / f"{task}.toml").read_text())
    base["task"].pop("limit")
    return base, sweep["space"]


def pool(program, base, space, draw, out):
    """A configuration with many populations of random roles, and every memory that a role could read."""
    names = [one.get("name") for one in base["reservoir"]["population"]]
    at = names.index("recall")
    of = lambda name, key: space[f"reservoir.population.{names.index(name)}.{key}"]["values"]  # noqa: E731
    populations = [one for one in base["reservoir"]["population"] if one["name"] == "before"]
    kinds = dict(zip(names, base["reservoir"]["population"]))
    memories = {name: [] for name in MEMORIES if name in kinds}
    for n, reads in enumerate(of("clock", "reads") if "clock" in kinds else []):
        populations.append(kinds["clock"] | {"name": f"clock{n}", "units": 10, "reads": reads})
        memories["clock"].append(f"clock{n}")
    for n, reads in enumerate(of("count", "reads") if "count" in kinds else []):
        populations.append(kinds["count"] | {"name": f"count{n}", "reads": reads})
        populations.append(kinds["codes"] | {"name": f"codes{n}", "reads": [{"from": f"count{n}", "scale": 2.0}]})
        memories["count"].append(f"count{n}")
        memories["codes"].append(f"codes{n}")
    keys = [key for key in space if key.startswith(f"reservoir.population.{at}.") and not key.endswith(".units")]
    drawn = []
    while len(drawn) < POPULATIONS:
        one = dict(kinds["recall"]) | {"name": f"r{len(drawn)}", "units": UNITS, "reads": {}}
        point = {}
        for key in keys:
            value = drawn_value(space[key], draw)
            if value is not None:
                point[key] = value
        for key, value in point.items():
            if any(other not in point for other in space[key].get("when", {})):
                continue
            path = key.split(".")[3:]
            value = with_memory(value, memories, draw) if path[0] == "reads" else value
            place = one["reads"] if path[0] == "reads" else one
            place[path[-1]] = value
        # Some widths and roles do not go together; the program says which.
        trial = out / "trial.toml"
        trial.write_text(written(base, [*populations, one], [one["name"]]))
        fits = subprocess.run([*program, "describe", str(trial)], cwd=ROOT, capture_output=True, check=False)
        if fits.returncode == 0:
            drawn.append(one)
    return written(base, populations + drawn, [one["name"] for one in drawn])


def drawn_value(dimension, draw):
    if "values" in dimension:
        values = dimension["values"] + ([None] if dimension.get("optional") else [])
        return draw.choice(values)
    return round(math.exp(draw.uniform(math.log(dimension["from"]), math.log(dimension["to"]))), 4)


def with_memory(value, memories, draw):
    """A role that reads a memory reads one of its kind."""
    if isinstance(value, list):
        return [with_memory(one, memories, draw) for one in value]
    return draw.choice(memories[value]) if isinstance(value, str) and value in memories else value


def written(base, populations, seen):
    """A configuration as TOML, whose strings and numbers JSON writes alike."""
    tables = {name: dict(table) for name, table in base.items()}
    tables["reservoir"] = {"context": CONTEXT}
    tables["readout"]["populations"] = seen
    text = "".join(f"[{name}]\n" + lines(table) for name, table in tables.items() if name != "chosen")
    return text + "".join("[[reservoir.population]]\n" + lines(one) for one in populations)


def lines(table):
    return "".join(f"{json.dumps(key)} = {inline(value)}\n" for key, value in table.items()) + "\n"


def inline(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {inline(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)


def select(arrays, config, draw):
    import numpy as np

    data = np.load(arrays)
    widths = [one["d_unit"] for one in config["reservoir"]["population"] if one["name"] in config["readout"]["populations"]]
    unit_of = np.repeat(np.arange(POPULATIONS * UNITS), np.repeat(widths, UNITS))
    varies = data["features_train"].std(0) > 1e-6
    unit_of = unit_of[varies]

    def split(name):
        features = data[f"features_{name}"][:, varies].astype(np.float64)
        sequence, step = data[f"features_at_{name}"].T
        return features, data[f"Y_{name}"][sequence, step].astype(np.float64)

    train, valid, test = split("train"), split("valid"), split("test")
    mean, target = train[0].mean(0), train[1].mean(0)
    blocks = [np.flatnonzero(unit_of == unit) for unit in range(POPULATIONS * UNITS)]
    centred = train[0] - mean
    bases = [basis(centred[:, columns]) for columns in blocks]
    wanted = train[1] - target

    def gain(block, rest, taken):
        """What a unit explains of the rest, beyond what as many random columns would."""
        by_chance = block.shape[1] / max(len(rest) - 1 - taken, 1)
        return np.square(block.T @ rest).sum() - by_chance * np.square(rest).sum()

    order = {"each": list(np.argsort([-gain(block, wanted, 0) for block in bases])[:KEPT])}
    order["random"] = draw.sample(range(len(blocks)), KEPT)
    rest, taken, forward = wanted, 0, []
    while len(forward) < KEPT:
        gains = [gain(block, rest, taken) for block in bases]
        if max(gains) <= 0.0:
            break
        forward.append(int(np.argmax(gains)))
        span = bases[forward[-1]]
        rest, taken = rest - span @ (span.T @ rest), taken + span.shape[1]
        bases = [basis(block - span @ (span.T @ block)) for block in bases]
    order["forward"] = forward

    def best(choices):
        """Of sets of units and penalties the one that is best on the validation set, by its error on the test set."""
        found = (2.0, 2.0)
        for units in choices:
            columns = np.concatenate([blocks[unit] for unit in units])
            left, sizes, right = np.linalg.svd(centred[:, columns], full_matrices=False)
            along = left.T @ wanted
            for penalty in LAMBDAS:  # the strongest first, which is taken of equals
                scale = penalty * np.square(sizes).mean()
                weights = right.T @ ((sizes / (np.square(sizes) + scale))[:, None] * along)
                wrong = [
                    np.mean(np.argmax((part[0][:, columns] - mean[columns]) @ weights + target, 1) != np.argmax(part[1], 1))
                    for part in (valid, test)
                ]
                found = min(found, tuple(wrong), key=lambda one: one[0])
        return found[1]

    errors = {how: best([units[:size] for size in SIZES if units]) for how, units in order.items()}
    return errors | {"all": best([range(len(blocks))])}


def basis(columns):
    """Orthonormal columns with the same span."""
    import numpy as np

    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, sizes > 1e-6]


if __name__ == "__main__":
    main()
