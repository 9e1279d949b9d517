"""The presets with roles on sequences that the package cogscale draws, in place of ours.

    python3 tests/peers/cogscale_roles.py [NAME | FILE.toml ...] [--seeds 900..905] [--ran PROGRAM] [--venv DIR]

For each preset `…-roles`, or each configuration that is named, such as the `config.toml` that a search has left, and each seed
it builds the package's data, saves them with the names that our task gives its inputs, and runs the configuration on that file,
with the seed's weights. Nothing is chosen. Prints the error, mean and sample deviation over seeds.

The package is installed with pip into a virtual environment (default: target/peers/cogscale) unless it can be imported
already. Needs Python 3.11.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import tomllib
from pathlib import Path

from cogscale_compare import PACKAGE, build, export
from environment import ROOT, ensure_package

PRESETS = ROOT / "docs" / "experiments"


def main():
    arguments = parse_arguments()
    ensure_package("cogscale", PACKAGE, arguments.venv)
    program = [str(arguments.ran.resolve())] if arguments.ran else ["cargo", "xtask"]
    names = arguments.names or sorted(path.stem for path in PRESETS.glob("*-roles.toml"))
    for name in names:
        path = Path(name) if name.endswith(".toml") else PRESETS / f"{name}.toml"
        errors = [error(program, path.resolve(), seed) for seed in arguments.seeds]
        deviation = statistics.stdev(errors) if len(errors) > 1 else 0.0
        print(f"{name:32} {statistics.mean(errors):.4f} ± {deviation:.4f}", flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="presets, or configurations' files; default: all presets whose names end in -roles")
    parser.add_argument("--seeds", type=seeds, default="900..905", help="FIRST..END, of data and of weights")
    parser.add_argument("--ran", type=Path, help="a program that is built already, in place of cargo xtask")
    parser.add_argument("--venv", type=Path, default=ROOT / "target" / "peers" / "cogscale")
    return parser.parse_args()


def seeds(text):
    first, end = map(int, text.split(".."))
    return range(first, end)


def error(program, config, seed):
    import numpy as np

    task = tomllib.loads(config.read_text())["task"]
    package = task["name"].replace("-", "_")
    data = {key: value for key, value in build(package, task["size"], seed).items() if key[:2] in ("X_", "Y_")}
    ours = export(package, task["size"], seed)
    arrays = {key: ours[key] for key in ("category", "input_names", "labels") if key in ours}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.npz"
        np.savez(path, **arrays, **{key: np.asarray(value, dtype=np.float32) for key, value in data.items()})
        command = [*program, "experiment", str(config), "--seeds", str(seed), "--json", "--quiet", "--no-model", "--no-pictures"]
        # Our task hands the numbers on as they are.
        settings = ["--set", "task.name=files", "--set", f"task.data={path}", "--set", "task.standardise=false"]
        done = subprocess.run([*command, *settings, "--out", f"{folder}/run"], cwd=ROOT, check=True, capture_output=True, text=True)
    return 1 - json.loads(done.stdout.splitlines()[0])["test"]


if __name__ == "__main__":
    main()
