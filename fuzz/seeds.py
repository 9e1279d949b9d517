"""Fills fuzz/corpus with small files of each format, for the targets to begin with.

    python3 fuzz/seeds.py [PROGRAM]      (default: cargo xtask; with target/debug/ran nothing is built)

Needs Python 3 alone. Files that are there stay.
"""

import io
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT / "fuzz" / "corpus"
SMALL = ["reservoir.population.0.units=4", "reservoir.population.0.d_unit=4", "reservoir.input_copies=1"]

TS = {
    "classes": "@dimensions 2\n@classLabel true up down\n@data\n0,1,?:0,0,1:up\n3,2:1,1:down\n0,2:0,?:up\n4,2:1,1:down\n",
    "values": "@targetLabel true\n@equalLength true\n@seriesLength 2\n@data\n1,2:0.5\n3,4:1.5\n5,6:1\n",
    "series": "# a comment\n@problemName x\n@univariate true\n@missing true\n@data\n1,2,?,3,4,5,6\n",
}
CSV = {
    "series": "time,load,wind\n0,1.5,3\n1,2.5,\n2,?,5\n3,4,6\n4,5,7\n5,6,8\n",
    "sequences": "id,kind,x\na,up,1\na,up,2\nb,down,3\nb,down,1\nc,up,4\nd,down,5\n",
    "semicolons": '1;2,5;3\n"1";"a ""b""";3\n',
    "rows": "1,a,2,3\r\n2,b,3,\r\n\r\n3,a,4,\r\n4,b,,1\r\n",
}
SET = {
    "numbers": "reservoir.leak=0.5\nreservoir.population.0.units=40\nreservoir.population[1].kind=tanh-unit\n",
    "tables": 'task.name=files\ntask.train=a.ts\ntask.inputs=["a", 1]\nlearning = { regime = "full" }\n',
    "others": "readout.features={segments=3}\nevaluation.free_run=5\nreservoir.projections.a.b=0.5\n",
}


def main():
    program = sys.argv[1:] or ["cargo", "xtask"]
    program[0] = str(Path(program[0]).resolve()) if "/" in program[0] else program[0]
    for part in ["TRAIN", "TEST"]:
        text = (ROOT / f"datasets/japanese-vowels/JapaneseVowels_{part}.ts").read_text()
        write("ts", part, text[: text.rindex("\n", 0, 4000) + 1].encode())
    for target, files in [("ts", TS), ("csv", CSV), ("set", SET)]:
        for name, text in files.items():
            write(target, name, text.encode())
    for path in (ROOT / "docs/experiments").glob("*.toml"):
        write("toml", path.name, path.read_bytes())
    arrays()
    with tempfile.TemporaryDirectory() as folder:
        models(program, Path(folder))


def write(target, name, data):
    path = CORPUS / target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(data)


def npy(kind, shape, data, fortran=False):
    text = f"{{'descr': '{kind}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def npz(files, how):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", how) as archive:
        for name, array in files.items():
            archive.writestr(f"{name}.npy", array)
    return data.getvalue()


def arrays():
    floats = struct.pack("<24f", *range(24))
    labels = npy("<U4", (4,), "up\0\0down".encode("utf-32-le") * 2)
    found = {
        "series": npy("<f4", (24,), floats),
        "channels": npy("<f8", (12, 2), struct.pack("<24d", *range(24)), fortran=True),
        "sequences": npy(">f4", (4, 3, 2), floats),
        "halves": npy("<f2", (6, 2), bytes(24)),
        "classes": npy("|i1", (4,), bytes([0, 1, 0, 1])),
        "labels": labels,
        "bytes": npy("|S2", (4,), b"abababab"),
    }
    for name, data in found.items():
        write("npy", name, data)
    files = {"X": found["sequences"], "y": labels}
    write("npz", "stored", npz(files, zipfile.ZIP_STORED))
    write("npz", "deflated", npz(files, zipfile.ZIP_DEFLATED))
    write("npz", "series", npz({"X": found["channels"]}, zipfile.ZIP_DEFLATED))


def models(program, folder):
    def run(name, preset, *settings):
        words = [word for setting in settings for word in ["--set", setting]]
        run = [*program, "experiment", preset, *words, "--seeds", "0", "--quiet", "--no-pictures", "--out", str(folder / name)]
        subprocess.run(run, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        write("model", name, (folder / name / "model.safetensors").read_bytes())

    run("block", "japanese-vowels", *SMALL)
    run("two", "japanese-vowels-two-kinds", *SMALL, "reservoir.population.1.units=1")
    series = ["task.train=200", "task.test=200", "evaluation.free_run=5"]
    run("forecast", "lorenz", *series, "reservoir.population.0.units=4", "reservoir.population.1.units=1")
    (folder / "series.csv").write_text(CSV["series"])
    task = ["--set", "task.name=files", "--set", f"task.data={folder / 'series.csv'}", "--set", "task.horizon=1"]
    export = [*program, "experiment", "export", *task, "--out", str(folder / "data.npz")]
    subprocess.run(export, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    write("npz", "exported", (folder / "data.npz").read_bytes())


if __name__ == "__main__":
    main()
