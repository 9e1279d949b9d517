"""Time the same network's steps in PyTorch, JAX and ReservoirPy, beside `cargo xtask bench`, in one run.

    python -m venv .venv && .venv/bin/pip install torch jax numpy reservoirpy
    .venv/bin/python tests/peers/bench_peers.py                 # every case, a table with ratios
    .venv/bin/python tests/peers/bench_peers.py --echo-state    # a classical reservoir against ReservoirPy
    .venv/bin/python tests/peers/bench_peers.py --vectors avx2  # as on a processor without AVX-512

Every row runs `cargo xtask bench --json` for its own part right before the peers' turn, so that both see the same
machine. The network has one population of attention blocks with random weights, an identity wiring and a linear
readout; a case is units,dim,context,batch,steps; times are microseconds per step of the whole batch, medians.
The peers are written as one would write them there: batched products over units, PyTorch eager, JAX jit with scan.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import time

CASES = ["20,16,4,32,28", "40,32,4,32,28", "100,8,5,32,28", "8,64,4,32,28", "40,32,4,1,200"]
INPUTS, OUTPUTS = 12, 9
# What keeps this project, PyTorch with the libraries under it, and JAX from vectors wider than AVX2.
CAPS = dict(RAN_VECTORS="avx2", ATEN_CPU_CAPABILITY="avx2", MKL_ENABLE_INSTRUCTIONS="AVX2", ONEDNN_MAX_CPU_ISA="AVX2",
            XLA_FLAGS=os.environ.get("XLA_FLAGS", "") + " --xla_cpu_max_isa=AVX2")


class Case:
    def __init__(self, text):
        self.text = text
        self.units, self.dim, self.context, self.batch, self.steps = map(int, text.split(","))
        self.width = self.units * self.dim
        # Slot k reads an input or a state dimension, none twice.
        self.reads = [INPUTS + (7 * k + 3) % self.width for k in range(self.width)]
        for i in range(INPUTS):
            self.reads[i * (self.width // INPUTS)] = i
        # Weight shapes: queries, keys and values in one product, as all would write it.
        d = self.dim
        self.shapes = dict(qkv=(d, 3 * d), qkv_bias=(1, 3 * d), up=(d, 4 * d), up_bias=(1, 4 * d),
                           down=(4 * d, d), down_bias=(1, d))


def median(run, steps, repeats):
    run()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return 1e6 * statistics.median(times) / steps


def in_torch(case, memory):
    """A pair of functions: the states of all steps, and a training step."""
    import torch

    torch.manual_seed(1)
    scale = 1 / math.sqrt(case.dim)
    uniform = lambda *shape: ((2 * torch.rand(*shape) - 1) * scale).requires_grad_()
    w = {name: uniform(case.units, *shape) for name, shape in case.shapes.items()}
    readout = uniform(case.width, OUTPUTS)
    reads = torch.tensor(case.reads)
    older = 0 if memory == "sliding" else case.context - 1
    inputs = torch.randn(case.steps + older, case.batch, INPUTS)
    heads = lambda rows, count: rows.view(case.units * case.batch, count, -1)

    def block(rows, count, keys=None, values=None):
        q, k, v = heads(torch.baddbmm(w["qkv_bias"], rows, w["qkv"]), count).chunk(3, 2)
        if keys is not None:
            k, v = torch.cat([keys, k], 1), torch.cat([values, v], 1)
        # For rows that few, three plain operations are faster than the fused attention of PyTorch.
        a = torch.softmax(torch.bmm(q, k.transpose(1, 2)) * scale, 2).bmm(v)
        a = a.view(case.units, -1, case.dim)
        out = torch.baddbmm(w["down_bias"], torch.relu(torch.baddbmm(w["up_bias"], a, w["up"])), w["down"])
        return out, k, v

    def states():
        if memory == "sliding":
            empty = torch.zeros(case.units * case.batch, case.context - 1, case.dim)
            k, v, h = empty, empty, torch.zeros(case.batch, case.width)
            for t in range(case.steps):
                z = torch.cat([inputs[t], h], 1)[:, reads]
                z = z.view(case.batch, case.units, case.dim).transpose(0, 1)
                out, k, v = block(z, 1, k, v)
                k, v = k[:, 1:], v[:, 1:]
                h = out.transpose(0, 1).reshape(case.batch, case.width)
                yield h
        else:
            rows = torch.zeros(case.context, case.batch, case.width)
            for t in range(case.steps):
                z = torch.cat([inputs[t:t + case.context], rows], 2)[:, :, reads]
                z = z.view(case.context, case.batch, case.units, case.dim).permute(2, 1, 0, 3)
                out, _, _ = block(z.reshape(case.units, -1, case.dim), case.context)
                out = out.view(case.units, case.batch, case.context, case.dim).permute(2, 1, 0, 3)
                rows = out.reshape(case.context, case.batch, case.width)
                yield rows[-1]

    def forward():
        with torch.no_grad():
            for h in states():
                pass
            return (h @ readout).sum().item()

    def train():
        loss = sum(((h @ readout) ** 2).mean() for h in states())
        gradients = torch.autograd.grad(loss, [*w.values(), readout])
        return gradients[-1].sum().item()

    return forward, train


def in_jax(case, memory):
    import jax
    import jax.numpy as np

    scale = 1 / math.sqrt(case.dim)
    draw = iter(jax.random.split(jax.random.PRNGKey(1), 16))
    uniform = lambda *shape: jax.random.uniform(next(draw), shape, minval=-scale, maxval=scale)
    weights = {name: uniform(case.units, *shape) for name, shape in case.shapes.items()}
    weights["readout"] = uniform(case.width, OUTPUTS)
    reads = np.array(case.reads)
    older = 0 if memory == "sliding" else case.context - 1
    inputs = jax.random.normal(next(draw), (case.steps + older, case.batch, INPUTS))
    windows = np.stack([inputs[i:i + case.steps] for i in range(older + 1)], 1)  # [steps, rows, batch, inputs]

    def block(w, rows, count, keys=None, values=None):
        mixed = (rows @ w["qkv"] + w["qkv_bias"]).reshape(case.units * case.batch, count, 3 * case.dim)
        q, k, v = np.split(mixed, 3, 2)
        if keys is not None:
            k, v = np.concatenate([keys, k], 1), np.concatenate([values, v], 1)
        a = jax.nn.softmax(q @ k.swapaxes(1, 2) * scale, -1) @ v
        a = a.reshape(case.units, -1, case.dim)
        return jax.nn.relu(a @ w["up"] + w["up_bias"]) @ w["down"] + w["down_bias"], k, v

    def slide(w, before, window):
        k, v, h = before
        z = np.concatenate([window[0], h], 1)[:, reads]
        z = z.reshape(case.batch, case.units, case.dim).swapaxes(0, 1)
        out, k, v = block(w, z, 1, k, v)
        h = out.swapaxes(0, 1).reshape(case.batch, case.width)
        return (k[:, 1:], v[:, 1:], h), h

    def rewrite(w, rows, window):
        z = np.concatenate([window, rows], 2)[:, :, reads]
        z = z.reshape(case.context, case.batch, case.units, case.dim).transpose(2, 1, 0, 3)
        out, _, _ = block(w, z.reshape(case.units, -1, case.dim), case.context)
        out = out.reshape(case.units, case.batch, case.context, case.dim).transpose(2, 1, 0, 3)
        rows = out.reshape(case.context, case.batch, case.width)
        return rows, rows[-1]

    if memory == "sliding":
        empty = np.zeros((case.units * case.batch, case.context - 1, case.dim))
        step, start = slide, (empty, empty, np.zeros((case.batch, case.width)))
    else:
        step, start = rewrite, np.zeros((case.context, case.batch, case.width))

    @jax.jit
    def forward(w):
        after, firsts = jax.lax.scan(lambda m, x: (lambda m, h: (m, h[:, 0]))(*step(w, m, x)), start, windows)
        return firsts.sum()

    @jax.jit
    def gradient(w):
        def loss(w):
            def one(m, x):
                m, h = step(w, m, x)
                return m, ((h @ w["readout"]) ** 2).mean()
            return jax.lax.scan(one, start, windows)[1].sum()
        return jax.grad(loss)(w)

    return (lambda: jax.block_until_ready(forward(weights)),
            lambda: jax.block_until_ready(gradient(weights)))


def in_reservoirpy(units, steps, repeats):
    import numpy as np
    from reservoirpy.nodes import Reservoir

    node = Reservoir(units, lr=0.3, sr=0.9, rc_connectivity=0.1, input_connectivity=0.1, seed=1)
    inputs = np.random.default_rng(1).normal(size=(steps, INPUTS))
    return median(lambda: node.run(inputs), steps, repeats)


def ran(arguments):
    command = ["cargo", "xtask", "bench", "--json", *arguments]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", help="units,dim,context,batch,steps")
    parser.add_argument("--memory", action="append", choices=["rewritten", "sliding"])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--echo-state", action="store_true", help="1,000 tanh units with a fan-in of 100, one sequence")
    parser.add_argument("--vectors", choices=["avx2"], help="the widest vectors that anybody may use")
    args = parser.parse_args()
    if args.vectors and args.echo_state:
        parser.error("--vectors caps PyTorch and JAX; ReservoirPy computes with what NumPy finds")
    if args.vectors:
        os.environ |= CAPS  # before PyTorch and JAX are imported
    repeats = ["--repeats", str(args.repeats)]
    if args.echo_state:
        for case in ["1000,1,1,1,1000", "1000,1,1,1,100"]:
            own = ran(["--echo-state", "--memory", "sliding", "--phase", "forward", "--case", case, *repeats])
            peer = in_reservoirpy(1000, Case(case).steps, args.repeats)
            print(f"{case}: ran {own[0]['us_per_step']:.1f}, reservoirpy {peer:.1f} us per step, "
                  f"{peer / own[0]['us_per_step']:.1f} times faster")
        return
    ratios = {"forward": [], "train": []}
    print(f"{'case':16} {'memory':10} {'phase':8} {'ran':>9} {'torch':>9} {'jax':>9}  times faster")
    for text in args.case or CASES:
        case = Case(text)
        for memory in args.memory or ["rewritten", "sliding"]:
            own = {m["phase"]: m["us_per_step"] for m in ran(["--case", text, "--memory", memory, *repeats])}
            peers = dict(torch=in_torch(case, memory), jax=in_jax(case, memory))
            for at, phase in enumerate(["forward", "train"]):
                if phase not in own:
                    continue
                times = {name: median(runs[at], case.steps, args.repeats) for name, runs in peers.items()}
                ratio = min(times.values()) / own[phase]
                if case.batch > 1:
                    ratios[phase].append(ratio)
                print(f"{text:16} {memory:10} {phase:8} {own[phase]:9.1f} {times['torch']:9.1f} {times['jax']:9.1f}"
                      f"  {ratio:.2f}", flush=True)
    for phase, found in ratios.items():
        if found:
            mean = math.exp(sum(map(math.log, found)) / len(found))
            print(f"{phase}: at least {min(found):.2f}, geometric mean {mean:.2f} times faster")


if __name__ == "__main__":
    main()
