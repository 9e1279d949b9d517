"""Makes the figures of docs/results.md again: runs presets on seeds that nothing was chosen on, and writes their tables.

    python3 tests/peers/results.py run [NAME ...]      (default: all presets of docs/experiments; into target/results)
    python3 tests/peers/results.py write [--seconds]   (puts what was run into docs/results.md)

Seeds 1000 to 1019 where a seed takes less than 10 s on this machine, else 1000 to 1004. A preset that was run already is not
run again unless it is named. `write` replaces score and trained parameters in the rows of the tables, makes the best figure of a
row bold, and counts how often this project is at most as bad as each other column. It replaces the seconds where it is told to:
they mean something where the machine had nothing else to do. Needs Python 3.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNS = ROOT / "target" / "results"
PAGE = ROOT / "docs" / "results.md"
ERRORS = {"accuracy", "bit-accuracy"}  # shown as one minus the score in the tables of CogScale
SECTIONS = {"CogScale, small": "-small", "CogScale, medium": "-medium"}
# Tasks that are drawn to the benchmark's letter, as the published figures are.
PUBLISHED = ("sinus-forecasting", "chaotic-forecasting", "discrete-pattern-completion", "continuous-pattern-completion")
SLOW = 10.0
FIRST, MANY, FEW = 1000, 20, 5


def main():
    match sys.argv[1:]:
        case ["run", *names]:
            presets = sorted(path.stem for path in (ROOT / "docs" / "experiments").glob("*.toml"))
            for name in names or presets:
                run(name, again=bool(names))
        case ["write"]:
            write(seconds=False)
        case ["write", "--seconds"]:
            write(seconds=True)
        case _:
            sys.exit(__doc__)


def run(name, again):
    place = RUNS / f"{name}.jsonl"
    if place.exists() and not again:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    first = experiment(name, FIRST, FIRST + 1)
    count = FEW if first[0]["seconds"] > SLOW else MANY
    place.write_text("".join(json.dumps(line) + "\n" for line in experiment(name, FIRST, FIRST + count)))
    print(name, figures(name))


def experiment(name, first, end):
    settings = ["--set", "task.from=target/fashion-mnist"] if name == "fashion-mnist" else []
    if name.startswith(PUBLISHED):
        settings = ["--set", "task.published=true"]
    command = ["cargo", "xtask", "experiment", name, "--seeds", f"{first}..{end}", "--json", "--quiet", *settings]
    folder = ["--out", str(RUNS / name), "--no-model", "--no-pictures"]
    done = subprocess.run(command + folder, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def figures(name):
    """Mean, deviation, trained parameters and seconds a seed of a preset that was run; None if it was not."""
    place = RUNS / f"{name}.jsonl"
    if not place.exists():
        return None
    *records, summary = map(json.loads, place.read_text().splitlines())
    seconds = sorted(record["seconds"] for record in records)[len(records) // 2]
    return {
        "metric": summary["metric"],
        "mean": summary["mean"],
        "std": summary["std"],
        "seeds": len(records),
        "trained": records[0]["trained_parameters"],
        "seconds": seconds,
    }


def write(seconds):
    ending, header, missing = None, [], []
    wins = {}
    lines = []
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            ending = SECTIONS.get(line.removeprefix("## "), "")
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            header = []
        elif not header:
            header = cells
        elif not set(line) <= set("|- ") and {"trained", "seconds"} <= set(header):
            name = cells[0].replace("\\*", "").strip() + ending
            found = figures(name)
            if found is None:
                missing.append(name)
            else:
                line = row(dict(zip(header, cells)), found, ending, wins, seconds)
        lines.append(line)
    PAGE.write_text("\n".join(lines) + "\n")
    for (ending, column), (at_most, of) in wins.items():
        print(f"{ending}: rounded to two decimals at most {column} in {at_most} of {of}")
    print("not run:", ", ".join(missing) or "nothing")


def row(cells, found, ending, wins, with_seconds):
    score = "this project" if ending else "test"
    mean, std = found["mean"], found["std"]
    if ending:
        mean = 1 - mean if found["metric"] in ERRORS else mean
    small = found["metric"] == "mse" and not ending
    text = f"{mean:.2e} ± {std:.2e}" if small else f"{mean:.4f} ± {std:.4f}"
    if found["metric"] == "memory-capacity":
        text = f"{mean:.2f} ± {std:.2f}"
    cells[score] = text if found["seeds"] == MANY else f"{text} ({found['seeds']})"
    cells["trained"] = f"{found['trained']:,}"
    if with_seconds:
        seconds = found["seconds"]
        cells["seconds"] = f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1f}"
    if ending:
        others = list(cells)[2:list(cells).index("units")]
        values = {score: round(mean, 4)}
        values |= {other: float(re.sub(r"\*", "", cells[other])) for other in others}
        for other, value in values.items():
            if other != score:
                at_most, of = wins.get((ending, other), (0, 0))
                wins[ending, other] = (at_most + (round(mean, 2) <= round(value, 2)), of + 1)
            plain = cells[other].replace("**", "")
            first, *rest = plain.split(" ", 1)
            best = value <= min(values.values())
            cells[other] = " ".join([f"**{first}**" if best else first, *rest])
    return "| " + " | ".join(cells.values()) + " |"


if __name__ == "__main__":
    main()
