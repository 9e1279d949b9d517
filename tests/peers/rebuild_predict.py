"""Predicts with saved models in numpy, from what docs/model.md says alone, and compares every step.

    python3 tests/peers/rebuild_predict.py [--ran PROGRAM] [--venv DIR]

It trains some thirty small models through the command line (all kinds of unit, both working memories, all wirings, their options,
all regimes and features, classes, labels and numbers), follows random signals with `experiment predict`, and computes the
same from the model's file: the file's format, the standardisation, the wiring, the units, the working memory, the features, the
readout and its link. Nothing of this project is imported. Numbers are 64-bit floats here and 32-bit floats there; a step agrees
where its outputs differ by at most 1e-5 of the model's largest output, or of 1 where that is smaller.

`--ran` names a built program (`ran`) to run in place of `cargo xtask`. numpy is installed with pip into a virtual environment
(default: target/peers/numpy) unless it can be imported already. Exit code 0: all agree; 1: something does not.
"""

import argparse
import json
import math
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import ROOT, ensure_package

PACKAGE = "numpy"
TOLERANCE = 1e-5
LENGTHS = [1, 3, 40]

VOWELS = {"name": "japanese-vowels"}
NARMA = {"name": "narma", "warm_up": 20, "train": 300, "valid": 0, "test": 50}
LORENZ = {"name": "lorenz", "train": 400, "valid": 0, "test": 100}
SENTENCES = {"name": "cross-situation", "size": "small"}
BLOCK = {"kind": "attention-block", "units": 5, "d_unit": 8, "output": "tanh"}
QKV = {"kind": "qkv-unit", "units": 6, "d_unit": 6, "output": "tanh"}
MEMORY = {"kind": "memory-unit", "units": 4, "d_unit": 6, "output": "tanh"}
LINE = {"name": "line", "kind": "tanh-unit", "units": 24, "d_unit": 1, "linear": True, "recurrence": "delay-line", "reads": ["inputs"]}
SUMS = {"name": "sums", "kind": "tanh-unit", "units": 12, "d_unit": 1, "linear": True, "recurrence": "accumulate",
        "reads": [{"from": "inputs", "scale": 0.1}]}
ROLES = QKV | {"d_unit": 36, "qk": "tied", "lag_bias": "cosine", "value": "identity",
               "reads": {"query": ["inputs"], "key": [{"from": "inputs", "delay": 2}], "value": ["sums"]}}
NEURONS = {"kind": "tanh-unit", "units": 40, "d_unit": 1, "bias": 0.5}
SPARSE = {"wiring": "sparse", "fan_in": 5, "spectral_radius": 0.9, "input_scale": 0.3}
REWRITTEN = {"memory": "rewritten"}
GRADIENT = {"epochs": 2}

# The task, the reservoir, its populations, how it learns, and what the readout sees. λ is given where the best one is so small
# that the readout would magnify the rounding of 32-bit floats.
MODELS = {
    "blocks": (VOWELS, {}, [BLOCK], {}, {}),
    "blocks, rewritten": (VOWELS, REWRITTEN, [BLOCK], {}, {"features": "mean"}),
    "causal heads, rewritten": (
        VOWELS, REWRITTEN | {"leak": 0.6}, [BLOCK | {"heads": 4, "causal": True, "activation": "gelu"}], {}, {}),
    "residual and norm": (
        VOWELS, {"leak": 0.5}, [BLOCK | {"heads": 2, "residual": True, "layer_norm": True, "output": "identity"}], {}, {}),
    "norm as the output": (VOWELS, {}, [BLOCK | {"output": "layer-norm", "activation": "tanh"}], {}, {"features": "last"}),
    "attention only": (VOWELS, {"input_scale": 0.3}, [QKV], {}, {"features": {"segments": 3}}),
    "attention only, rewritten": (
        VOWELS, REWRITTEN, [QKV | {"heads": 3, "residual": True, "layer_norm": True}], {}, {}),
    "biases by lag": (VOWELS, {}, [QKV | {"lag_bias": "normal", "heads": 2, "qk": "mimetic", "qk_gain": 3.0}], {}, {}),
    "biases by lag, rewritten": (VOWELS, REWRITTEN, [BLOCK | {"lag_bias": "slope", "causal": True}], {}, {}),
    "roles": (VOWELS, {}, [LINE, SUMS, ROLES], {}, {"features": "last"}),
    "roles, trained": (VOWELS, {}, [LINE, ROLES | {"reads": ROLES["reads"] | {"value": ["line"]}, "d_unit": 60}],
                       GRADIENT | {"regime": "fixed-qk"}, {}),
    "memory only": (VOWELS, {"context": 1}, [MEMORY], {}, {"features": "every-step"}),
    "memory only, rewritten": (
        VOWELS, REWRITTEN | {"leak": 0.3}, [MEMORY | {"activation": "gelu", "residual": True}], {}, {"features": "last"}),
    "neurons": (LORENZ, SPARSE | {"leak": 0.7}, [NEURONS], {}, {"ridge": 1e-2, "features": "last"}),
    "delay lines": (NARMA, {"wiring": "delay-lines"}, [NEURONS], {}, {"ridge": 1e-2}),
    "leaks of a range, pooled": (
        VOWELS, {"leak": {"from": 0.05, "to": 1.0}}, [BLOCK, NEURONS | {"leak": 0.4}], {}, {"features": "pooled"}),
    "leaks of a range, rewritten": (VOWELS, REWRITTEN | {"leak": {"from": 0.1, "to": 0.9}}, [BLOCK, MEMORY], {}, {}),
    "sums of a window": (
        VOWELS, {"leak": 0.5}, [LINE | {"leak": 1.0, "units": 60}, MEMORY | {"fan_in": 9, "reads": ["inputs", "line"]}],
        {}, {"features": "pooled"}),
    "share of inputs": (VOWELS, {"input_share": 0.75}, [BLOCK], {}, {"features": {"segments": 7}}),
    "two kinds, projected": (
        VOWELS, {"projections": {"inputs": {"b": 0}, "b": {"b": 2}}},
        [QKV | {"name": "a"}, MEMORY | {"name": "b"}], {}, {}),
    "all kinds, sparse": (
        VOWELS, SPARSE | REWRITTEN | {"leak": 0.8}, [BLOCK, QKV, MEMORY, NEURONS], {}, {"features": "mean-and-last"}),
    "labels": (SENTENCES, {"input_scale": 0.5}, [BLOCK], {}, {"features": "mean", "ridge": 0.1}),
    "full": (VOWELS, {}, [BLOCK], GRADIENT | {"regime": "full"}, {}),
    "full, labels": (SENTENCES, REWRITTEN, [BLOCK], GRADIENT | {"regime": "full"}, {"features": "every-step"}),
    "full, numbers": (LORENZ, {}, [BLOCK], GRADIENT | {"regime": "full", "truncate": "none"}, {}),
    "fixed queries and keys": (VOWELS, {}, [BLOCK, QKV], GRADIENT | {"regime": "fixed-qk", "patience": 1}, {}),
    "hybrid": (VOWELS, {}, [BLOCK], GRADIENT | {"regime": "hybrid"}, {"features": "every-step"}),
    "online": (
        NARMA, SPARSE, [NEURONS, BLOCK], {}, {"features": "last", "online": {"rule": "rls", "forgetting": 1.0, "delta": 0.01}}),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--ran", type=Path, help="a built program to run (default: cargo xtask)")
    parser.add_argument("--venv", type=Path, default=ROOT / "target" / "peers" / "numpy")
    arguments = parser.parse_args()
    ensure_package("numpy", PACKAGE, arguments.venv)
    program = [str(arguments.ran.resolve())] if arguments.ran else ["cargo", "xtask"]
    worst = {}
    print(f"{'model':28}{'steps':>7}{'outputs':>9}{'largest':>11}{'difference':>12}")
    for seed, (name, model) in enumerate(MODELS.items()):
        with tempfile.TemporaryDirectory() as folder:
            worst[name] = compare(name, model, seed, program, Path(folder))
    failures = [name for name, difference in worst.items() if not difference <= TOLERANCE]
    print(f"{len(worst)} models, {len(failures)} differ; the largest difference is {max(worst.values()):.1e}")
    return 1 if failures else 0


def compare(name, model, seed, program, folder):
    """The largest difference of an output, as a share of the largest output or of 1."""
    import numpy as np

    (folder / "experiment.toml").write_text(configuration(*model))
    run(program, "experiment", str(folder / "experiment.toml"), "--seeds", str(seed), "--out", str(folder / "run"), "--quiet")
    card, tensors = read_model(folder / "run" / "model.safetensors")
    # As the training set's inputs are: around their means, with their deviations.
    draw = np.random.default_rng(seed)
    signals = [draw.standard_normal((length, card["d_input"])) for length in LENGTHS]
    if card["standardiser"]:
        mean, deviation = (np.array(card["standardiser"][key]) for key in ("mean", "deviation"))
        signals = [signal * deviation + mean for signal in signals]
    signals = [signal.astype(np.float32) for signal in signals]
    lines = ["\n".join(",".join(str(float(x)) for x in row) for row in signal) for signal in signals]
    (folder / "signals.csv").write_text("\n\n".join(lines) + "\n")
    answer = run(program, "experiment", "predict", str(folder / "run" / "model.safetensors"),
                 "--input", str(folder / "signals.csv"), "--json")
    theirs = np.array([json.loads(line)["outputs"] for line in answer.splitlines()])
    ours = np.concatenate([predict(card, tensors, signal.astype(np.float64)) for signal in signals])
    if ours.shape != theirs.shape:
        sys.exit(f"{name}: {ours.shape} here, {theirs.shape} there")
    largest = np.abs(theirs).max()
    difference = np.abs(ours - theirs).max() / max(1.0, largest)
    verdict = "" if difference <= TOLERANCE else "  DIFFERS"
    print(f"{name:28}{len(ours):7}{ours.shape[1]:9}{largest:11.3g}{difference:12.1e}{verdict}", flush=True)
    return difference


def configuration(task, reservoir, populations, learning, readout):
    reservoir = {"context": 3} | reservoir
    text = "".join(table(f"[{name}]", keys) for name, keys in (
        ("task", task), ("reservoir", reservoir), ("learning", learning), ("readout", readout)))
    return text + "".join(table("[[reservoir.population]]", keys) for keys in populations)


def table(head, keys):
    return "\n".join([head, *(f"{key} = {toml(value)}" for key, value in keys.items())]) + "\n\n"


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)  # strings, numbers and truth are written as in TOML


def run(program, *words):
    done = subprocess.run([*program, *words], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(words)} failed: {done.stderr}")
    return done.stdout


# What follows is docs/model.md.


def read_model(path):
    """The card and the tensors: "The model file"."""
    import numpy as np

    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    card = json.loads(header.pop("__metadata__")["ran"])
    types = {"F32": np.float32, "I64": np.int64}
    tensors = {}
    for name, entry in header.items():
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        numbers = np.frombuffer(data[start:end], types[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = numbers if entry["dtype"] == "I64" else numbers.astype(np.float64)
    return card, tensors


def predict(card, tensors, inputs):
    """What the model says at each step of a signal `[steps, d_input]`, raw."""
    import numpy as np

    if card["standardiser"]:
        mean, deviation = (np.array(card["standardiser"][key]) for key in ("mean", "deviation"))
        inputs = (inputs - mean) / deviation
    config = card["config"]
    states = scan(config["reservoir"], tensors, inputs)
    regime = config["learning"]["regime"]
    by_gradient = regime in ("full", "fixed-qk")
    default = "mean-and-last" if regime == "reservoir" else "last"
    features = config["readout"].get("features", default)
    rows = np.array([feature_row(features, states[: step + 1]) for step in range(len(states))])
    outputs = rows @ tensors["readout.weight"] + tensors["readout.bias"]
    if features == "every-step" and card["one_target"]:
        outputs = np.cumsum(outputs, 0) / np.arange(1, len(outputs) + 1)[:, None]
    links = {
        ("classification", True): softmax,
        ("classification", False): project_on_simplex,
        ("multi-label", True): lambda o: 1 / (1 + np.exp(-o)),
        ("multi-label", False): lambda o: np.clip(o, 0, 1),
    }
    link = links.get((card["category"], by_gradient), lambda o: o)
    return np.array([link(row) for row in outputs])


def feature_row(features, states):
    """"Readout": the features of h_0 to h_s, which are all that is given."""
    import numpy as np

    if features in ("last", "every-step"):
        return states[-1]
    if features == "mean":
        return states.mean(0)
    if features == "mean-and-last":
        return np.concatenate([states.mean(0), states[-1]])
    if features == "pooled":
        return pooled(states)
    count, steps = features["segments"], len(states)
    bounds = [part * steps // count for part in range(count + 1)]
    return np.concatenate([states[a : max(b, a + 1)].mean(0) for a, b in zip(bounds, bounds[1:])])


def pooled(states):
    import numpy as np

    steps = np.arange(1, len(states) + 1)[:, None]
    above = states > np.cumsum(states, 0) / steps
    changes = max(len(states) - 1, 1)
    return np.concatenate([
        states.mean(0), states[-1], states.max(0), states.min(0), states.std(0),
        np.sqrt((np.diff(states, axis=0) ** 2).sum(0) / changes), above.mean(0), (above[1:] != above[:-1]).sum(0) / changes])


def leaks(config):
    """The leak of each dimension of the state."""
    import numpy as np

    parts = []
    for population in config["population"]:
        leak, units = population.get("leak", config.get("leak", 1.0)), population["units"]
        if isinstance(leak, dict):
            place = np.arange(units) / max(units - 1, 1)
            leak = leak["from"] * (leak["to"] / leak["from"]) ** place
        parts.append(np.repeat(leak * np.ones(units), population["d_unit"]))
    return np.concatenate(parts)


def scan(config, tensors, inputs):
    """"Working memory": the states of all steps."""
    import numpy as np

    context, leak = config["context"], leaks(config)
    wire = wiring(tensors, inputs.shape[1])
    d_state = len(tensors["wiring.offsets"]) - 1
    states = []
    if config.get("memory", "sliding") == "sliding":
        window, h = np.zeros((context, d_state)), np.zeros(d_state)
        for x in inputs:
            window = np.concatenate([window[1:], [wire @ np.concatenate([x, h])]])
            h = (1 - leak) * h + leak * units(config, tensors, window)[-1]
            states.append(h)
    else:
        rows = np.zeros((context, d_state))
        padded = np.concatenate([np.zeros((context - 1, inputs.shape[1])), inputs])
        for step in range(len(inputs)):
            window = np.array([wire @ np.concatenate([x, h]) for x, h in zip(padded[step:], rows)])
            rows = (1 - leak) * rows + leak * units(config, tensors, window)
            states.append(rows[-1])
    return np.array(states)


def wiring(tensors, d_input):
    """The matrix of what each slot reads of inputs and state, `[N, I + N]`."""
    import numpy as np

    offsets, sources, weights = (tensors[f"wiring.{part}"] for part in ("offsets", "sources", "weights"))
    slots = len(offsets) - 1
    matrix = np.zeros((slots, d_input + slots))
    for slot in range(slots):
        for at in range(offsets[slot], offsets[slot + 1]):
            matrix[slot, sources[at]] += weights[at]
    return matrix


def units(config, tensors, window):
    """"Units": the rows `[C, N]` that all units make of their windows `[C, N]`."""
    import numpy as np

    answers, start = [], 0
    for index, population in enumerate(config["population"]):
        own = {name.split(".", 3)[3]: tensor for name, tensor in tensors.items()
               if name.startswith(f"reservoir.populations.{index}.")}
        for unit in range(population["units"]):
            end = start + population["d_unit"]
            weights = {name: tensor[unit] for name, tensor in own.items()}
            answers.append(one_unit(population, weights, window[:, start:end]))
            start = end
    return np.concatenate(answers, 1)


def one_unit(population, weights, z):
    import numpy as np

    kind = population["kind"]
    if kind == "tanh-unit":
        return z + weights["bias"] if population.get("linear", False) else np.tanh(z + weights["bias"])
    part = {"attention-block": ("qkv.", "memory."), "qkv-unit": ("",), "memory-unit": ("",)}[kind]
    rows = z
    if kind != "memory-unit":
        rows = attend(population, weights, part[0], rows)
    if kind != "qkv-unit":
        rows = retrieve(population, weights, part[-1], rows)
    output = population.get("output", "identity")
    return {"identity": lambda x: x, "tanh": np.tanh, "layer-norm": normalise}[output](rows)


def attend(population, weights, prefix, z):
    import numpy as np

    heads, width = population.get("heads", 1), population["d_unit"]
    q, k, v = (z @ weights[f"{prefix}{name}.weight"] + weights[f"{prefix}{name}.bias"] for name in ("query", "key", "value"))
    mixed = []
    lags = np.arange(len(z))[:, None] - np.arange(len(z))[None, :]
    for head, columns in enumerate(np.split(np.arange(width), heads)):
        scores = q[:, columns] @ k[:, columns].T / math.sqrt(width / heads)
        if f"{prefix}lag.bias" in weights:
            scores = scores + np.where(lags < 0, 0, weights[f"{prefix}lag.bias"][head][np.maximum(lags, 0)])
        if population.get("causal", False):
            scores = np.where(np.tri(len(z), dtype=bool), scores, -np.inf)
        mixed.append(np.array([softmax(row) for row in scores]) @ v[:, columns])
    return close(population, weights, prefix, z, np.concatenate(mixed, 1))


def retrieve(population, weights, prefix, rows):
    import numpy as np

    gauss = np.vectorize(lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2))))
    functions = {"relu": lambda x: np.maximum(x, 0), "gelu": lambda x: x * gauss(x), "tanh": np.tanh}
    act = functions[population.get("activation", "relu")]
    hidden = act(rows @ weights[f"{prefix}up.weight"] + weights[f"{prefix}up.bias"])
    found = hidden @ weights[f"{prefix}down.weight"] + weights[f"{prefix}down.bias"]
    return close(population, weights, prefix, rows, found)


def close(population, weights, prefix, asked, answer):
    """The residual and the norm at the end of a half."""
    if population.get("residual", False):
        answer = answer + asked
    if population.get("layer_norm", False):
        answer = normalise(answer) * weights[f"{prefix}norm.gain"] + weights[f"{prefix}norm.bias"]
    return answer


def normalise(rows):
    import numpy as np

    centred = rows - rows.mean(1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(1, keepdims=True) + 1e-5)


def softmax(row):
    import numpy as np

    raised = np.exp(row - row.max())
    return raised / raised.sum()


def project_on_simplex(row):
    """The nearest point whose numbers are at least 0 and sum to 1 (Duchi et al. 2008, figure 1)."""
    import numpy as np

    descending = np.sort(row)[::-1]
    thresholds = (np.cumsum(descending) - 1) / np.arange(1, len(row) + 1)
    return np.maximum(row - thresholds[descending > thresholds][-1], 0)


if __name__ == "__main__":
    sys.exit(main())
