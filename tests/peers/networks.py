"""Time a training step of other networks (docs/networks.md) beside PyTorch's, in one run.

    python -m venv .venv && .venv/bin/pip install torch
    .venv/bin/python tests/peers/networks.py                    # a table with ratios

Each row trains on a text of 20,480 characters with `cargo xtask experiment` for one epoch and for five, and takes the difference of
their seconds over the steps in it, so that start and judging do not count; then the same network in PyTorch, written as one would write
it there: an embedding, the network, a linear readout of every step, cross-entropy, AdamW. Mini-batches are 32 segments of 32.
"""
import argparse
import json
import random
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

BATCH, STEPS, SYMBOLS, MAP = 32, 32, 65, 64
CASES = [("gru", 64, 1), ("gru", 128, 1), ("lstm", 64, 1), ("lstm", 128, 1), ("transformer", 64, 2), ("transformer", 128, 4)]
SEGMENTS = 20 * BATCH


def own(kind, width, layers, folder):
    """Milliseconds of a training step of this project."""
    letters = [chr(48 + i) for i in range(SYMBOLS)]
    text = folder / "text.txt"
    drawn = random.Random(1)
    text.write_text("".join(letters) + "".join(drawn.choice(letters) for _ in range(SEGMENTS * STEPS + 200 - SYMBOLS)))
    config = folder / "text.toml"
    share = (SEGMENTS * STEPS + 1) / (SEGMENTS * STEPS + 200)
    config.write_text(
        f"[task]\nname = 'text'\nfile = '{text}'\nsegment = {STEPS}\ntrain = {share}\n[input_map]\nwidth = {MAP}\n[network]\nkind = '{kind}'\n"
        f"width = {width}\nlayers = {layers}\n[learning]\nregime = 'full'\nbatch = {BATCH}\ntruncate = 'none'\n[readout]\nfeatures = 'last'\n"
    )

    def seconds(epochs):
        command = ["cargo", "xtask", "experiment", str(config), "--json", "--quiet", "--no-model", "--no-pictures"]
        command += ["--out", str(folder / f"run-{time.time_ns()}"), "--set", f"learning.epochs={epochs}"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout.splitlines()[0])["seconds"]

    once = min(seconds(1) for _ in range(2))
    return 1e3 * (min(seconds(5) for _ in range(2)) - once) / (4 * SEGMENTS / BATCH)


def in_torch(kind, width, layers):
    """Milliseconds of the same in PyTorch."""
    import torch
    from torch import nn

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = {"gru": nn.GRU, "lstm": nn.LSTM}[kind](MAP, width, layers, batch_first=True)

        def forward(self, rows):
            return self.net(rows)[0]

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(MAP, width)
            self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2 * layers + 1))
            self.qkv = nn.ModuleList(nn.Linear(width, 3 * width) for _ in range(layers))
            self.out = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
            self.up = nn.ModuleList(nn.Linear(width, 4 * width) for _ in range(layers))
            self.down = nn.ModuleList(nn.Linear(4 * width, width) for _ in range(layers))
            pairs = width // 8
            angle = torch.arange(STEPS)[:, None] * 10000 ** (-torch.arange(pairs) / pairs)
            self.cos, self.sin = torch.cos(angle), torch.sin(angle)

        def turn(self, rows):
            a, b = rows.chunk(2, -1)
            return torch.cat([a * self.cos - b * self.sin, a * self.sin + b * self.cos], -1)

        def forward(self, rows):
            rows = self.first(rows)
            for at in range(layers):
                q, k, v = (x.view(x.shape[0], STEPS, 4, -1).transpose(1, 2) for x in self.qkv[at](self.norms[2 * at](rows)).chunk(3, -1))
                seen = nn.functional.scaled_dot_product_attention(self.turn(q), self.turn(k), v, is_causal=True)
                rows = rows + self.out[at](seen.transpose(1, 2).reshape(rows.shape))
                rows = rows + self.down[at](nn.functional.gelu(self.up[at](self.norms[2 * at + 1](rows))))
            return self.norms[-1](rows)

    torch.manual_seed(1)
    network = Attention() if kind == "transformer" else Recurrent()
    model = nn.Sequential(nn.Embedding(SYMBOLS, MAP), network, nn.Linear(width, SYMBOLS))
    optimiser = torch.optim.AdamW(model.parameters())

    def step():
        inputs, targets = torch.randint(SYMBOLS, (2, BATCH, STEPS))
        loss = nn.functional.cross_entropy(model(inputs).reshape(-1, SYMBOLS), targets.reshape(-1))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    for _ in range(5):
        step()
    times = []
    for _ in range(40):
        begin = time.perf_counter()
        step()
        times.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    print("| network | width | layers | this project, ms | PyTorch, ms | ratio |\n|---|---|---|---|---|---|")
    for kind, width, layers in CASES:
        with tempfile.TemporaryDirectory() as folder:
            ours = own(kind, width, layers, Path(folder))
        theirs = in_torch(kind, width, layers)
        print(f"| {kind} | {width} | {layers} | {ours:.1f} | {theirs:.1f} | {ours / theirs:.2f} |", flush=True)


if __name__ == "__main__":
    main()
