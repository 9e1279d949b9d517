"""Compare the errors of GRU, LSTM, Transformer and Mamba on CogScale tasks with the published ones of the same networks, trained in the same way.

    python3 tests/peers/cogscale_networks.py --published FILE.csv [--seeds 1000..1010] [--tasks NAME ...]

FILE.csv has the benchmark's results: columns task, difficulty, parameters, model, learning_rate, seeds, test_mean, test_std. The published
networks, each with a linear readout: one layer of PyTorch's GRU or LSTM; two of PyTorch's Transformer layers with two heads, dropout 0.1,
positions added and a norm behind; two Mamba mixers without residuals and a norm behind. Each is as wide as 10,000 parameters allow; Adam
without decay, batches of 10, at most 200 epochs, patience 10 on the validation score, the learning rate that was best on validation. Tasks
are drawn to the benchmark's letter. "Apart" is the difference of the means in standard errors of that difference.
"""
import argparse
import csv
import json
import math
import statistics
import subprocess
import tempfile
from pathlib import Path

TASKS = ["adding-problem", "sorting-problem", "bracket-matching", "selective-copy", "induction-heads", "simple-copy"]
# What the benchmark's results call a network, and its options but for the width.
KINDS = {
    "gru": ("GRU", {}),
    "lstm": ("LSTM", {}),
    "transformer": ("TRANSFORMER_DECODER", {
        "layers": 2, "heads": 2, "norm": "post", "positions": "sinusoidal", "activation": "relu", "dropout": 0.1,
    }),
    "mamba": ("MAMBA", {"layers": 2, "residual": False}),
}


def width(kind, inputs, outputs):
    """The width that the benchmark's authors take for a budget of 10,000."""
    if kind == "mamba":
        # The even width whose network has most nearly that many parameters.
        def parameters(d):
            channels, rank = 2 * d, math.ceil(d / 16)
            mixer = channels * (2 * d + 5 + rank + 32 + rank + 1 + 16 + 1 + d)
            return (inputs + 1) * d + 2 * mixer + 2 * d + (d + 1) * outputs

        return min(range(2, 200, 2), key=lambda d: abs(parameters(d) - 10_000))
    # Their counts leave out some biases and norms.
    square, linear, constant = {
        "gru": (3, 3 * inputs + 6 + outputs, outputs),
        "lstm": (4, 4 * inputs + 4 + outputs, outputs),
        "transformer": (24, inputs + outputs, 0),
    }[kind]
    root = math.sqrt(linear * linear - 4 * square * (constant - 10_000))
    found = int((root - linear) / (2 * square))
    return found - found % 2 if kind == "transformer" else found


def run(arguments):
    done = subprocess.run(["cargo", "xtask", *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def errors(task, kind, rate, seeds, folder):
    path = folder / f"{task}-{kind}.toml"
    options = "".join(f"{key} = {json.dumps(value)}\n" for key, value in KINDS[kind][1].items())
    head = f"[task]\nname = '{task}'\nsize = 'small'\npublished = true\n[network]\nkind = '{kind}'\n{options}width = "
    tail = f"\n[learning]\nregime = 'full'\nepochs = 200\nbatch = 10\nclip = 0.0\npatience = 10\nlearning_rate = {rate}\n[readout]\nfeatures = 'last'\n"
    path.write_text(f"{head}8{tail}")
    described = run(["describe", str(path), "--json"])[0]
    path.write_text(f"{head}{width(kind, described['d_input'], described['d_output'])}{tail}")
    parameters = run(["describe", str(path), "--json"])[0]["trained_parameters"]
    records = run(["experiment", str(path), "--seeds", seeds, "--json", "--quiet", "--no-model", "--no-pictures", "--out", str(folder / path.stem)])
    return parameters, [1 - record["test"] if record["metric"] == "accuracy" else record["test"] for record in records if "seed" in record]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", required=True)
    parser.add_argument("--seeds", default="1000..1010")
    parser.add_argument("--tasks", nargs="+", default=TASKS)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    arguments = parser.parse_args()
    with open(arguments.published) as file:
        published = {
            (row["task"], row["model"]): row for row in csv.DictReader(file) if (row["difficulty"], row["parameters"]) == ("small", "10000")
        }
    print("| task | network | parameters | this project | published | apart |\n|---|---|---|---|---|---|")
    for task in arguments.tasks:
        for kind in arguments.kinds:
            row = published[(task.replace("-", "_"), KINDS[kind][0])]
            with tempfile.TemporaryDirectory() as folder:
                parameters, own = errors(task, kind, row["learning_rate"], arguments.seeds, Path(folder))
            mean, deviation = statistics.mean(own), statistics.stdev(own)
            theirs, spread = float(row["test_mean"]), float(row["test_std"])
            apart = abs(mean - theirs) / max(math.hypot(deviation / math.sqrt(len(own)), spread / math.sqrt(int(row["seeds"]))), 1e-12)
            same = f"{parameters:,} ({int(row['actual_parameters']):,})"
            print(f"| {task} | {kind} | {same} | {mean:.4f} ± {deviation:.4f} | {theirs:.4f} ± {spread:.4f} | {apart:.1f} |", flush=True)


if __name__ == "__main__":
    main()
