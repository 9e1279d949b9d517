"""Checks that a preset gives the same record on 1, 2 and 4 threads: every number but the time, and the model's file.

    python3 tests/peers/threads.py [--ran PROGRAM] [NAME ...]

Without names, all presets are run whose seed takes less than 10 s on two threads; without a program, `cargo xtask` builds it. Each is run
once for each number of threads (`RAYON_NUM_THREADS`), with seed 1000. Needs Python 3, and the data of `cargo xtask datasets fetch santa-fe` and
`spoken-digits`.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
THREADS = [2, 1, 4]
LIMIT = 10.0
# These take minutes.
LONG = {"sequential-mnist", "fashion-mnist", "text"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ran", type=Path)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    names = arguments.names
    program = [str(arguments.ran.resolve())] if arguments.ran else ["cargo", "xtask"]
    presets = sorted((ROOT / "docs" / "experiments").glob("*.toml"))
    if not names:
        names = [path.stem for path in presets if tomllib.loads(path.read_text())["task"]["name"] not in LONG]
    subprocess.run([*program, "experiment", "--list"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    differ = [name for name in names if not same(program, name, None if arguments.names else LIMIT)]
    if differ:
        sys.exit(f"these differ with the number of threads: {', '.join(differ)}")


def same(program, name, limit):
    first = None
    for threads in THREADS:
        record, seconds = run(program, name, threads)
        if first is None and limit and seconds > limit:
            print(f"{name}: takes {seconds:.0f} s, left out")
            return True
        first = first or record
        if record != first:
            keys = [key for key in first if record.get(key) != first[key]]
            print(f"{name}: on {threads} threads other values of {', '.join(keys)}")
            return False
    print(f"{name}: the same on {', '.join(map(str, sorted(THREADS)))} threads", flush=True)
    return True


def run(program, name, threads):
    with tempfile.TemporaryDirectory() as folder:
        command = [*program, "experiment", name, "--seeds", "1000", "--json", "--quiet", "--no-pictures", "--out", folder]
        environment = {**os.environ, "RAYON_NUM_THREADS": str(threads)}
        done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        record = json.loads(done.stdout.splitlines()[0])
        model = (Path(folder) / "model.safetensors").read_bytes()
    seconds = record.pop("seconds")
    return {**record, "model.safetensors": hashlib.sha256(model).hexdigest()}, seconds


if __name__ == "__main__":
    main()
