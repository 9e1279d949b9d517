"""Checks that a preset gives the same record on 1, 2 and 4 threads: every number but the time, and the model's file.

    python3 tests/peers/threads.py [NAME ...]      (default: all presets whose seed takes less than 10 s on two threads)

Each is run once for each number of threads (`RAYON_NUM_THREADS`), with seed 1000. Needs Python 3.
"""

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
# These read data sets that are fetched, and take minutes.
LONG = {"sequential-mnist", "fashion-mnist"}


def main():
    names = sys.argv[1:]
    presets = sorted((ROOT / "docs" / "experiments").glob("*.toml"))
    if not names:
        names = [path.stem for path in presets if tomllib.loads(path.read_text())["task"]["name"] not in LONG]
    subprocess.run(["cargo", "xtask", "experiment", "--list"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    differ = [name for name in names if not same(name)]
    if differ:
        sys.exit(f"these differ with the number of threads: {', '.join(differ)}")


def same(name):
    first = None
    for threads in THREADS:
        record, seconds = run(name, threads)
        if first is None and seconds > LIMIT:
            print(f"{name}: takes {seconds:.0f} s, left out")
            return True
        first = first or record
        if record != first:
            keys = [key for key in first if record.get(key) != first[key]]
            print(f"{name}: on {threads} threads other values of {', '.join(keys)}")
            return False
    print(f"{name}: the same on {', '.join(map(str, sorted(THREADS)))} threads", flush=True)
    return True


def run(name, threads):
    with tempfile.TemporaryDirectory() as folder:
        command = ["cargo", "xtask", "experiment", name, "--seeds", "1000", "--json", "--quiet", "--no-pictures", "--out", folder]
        environment = {**os.environ, "RAYON_NUM_THREADS": str(threads)}
        done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        record = json.loads(done.stdout.splitlines()[0])
        model = (Path(folder) / "model.safetensors").read_bytes()
    seconds = record.pop("seconds")
    return {**record, "model.safetensors": hashlib.sha256(model).hexdigest()}, seconds


if __name__ == "__main__":
    main()
