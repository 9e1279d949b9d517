"""nanoGPT's processor configuration and presets of this project on tiny Shakespeare, on the same cores in the same run.

The Transformer is written in PyTorch from nanoGPT's description (github.com/karpathy/nanoGPT, README, "I only have a macbook"):
4 layers, 4 heads, width 128, blocks of 64 characters, batches of 12, 2,000 steps, no dropout; AdamW with betas 0.9 and 0.99,
weight decay 0.1 on matrices, clipping at 1, 100 steps of warm-up to 1e-3, then half a cosine to 1e-4. Its score is the mean
cross-entropy in nats per character over the last 10 % of the text, read in blocks of 64 that follow one another.

    cargo build --workspace
    python3 tests/peers/nanogpt.py --presets shakespeare shakespeare-reservoir --seeds 1000..1001
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from environment import ROOT, ensure_package

LAYERS, HEADS, WIDTH, BLOCK, BATCH, STEPS = 4, 4, 128, 64, 12, 2000


def transformer(symbols):
    import torch
    from torch import nn
    from torch.nn import functional as F

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.before, self.between = (nn.LayerNorm(WIDTH, bias=False) for _ in range(2))
            self.qkv = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
            self.mix = nn.Linear(WIDTH, WIDTH, bias=False)
            self.up = nn.Linear(WIDTH, 4 * WIDTH, bias=False)
            self.down = nn.Linear(4 * WIDTH, WIDTH, bias=False)

        def forward(self, x):
            b, t, _ = x.shape
            parts = self.qkv(self.before(x)).view(b, t, 3, HEADS, WIDTH // HEADS)
            q, k, v = parts.permute(2, 0, 3, 1, 4)
            seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.mix(seen.transpose(1, 2).reshape(b, t, WIDTH))
            return x + self.down(F.gelu(self.up(self.between(x))))

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.symbol = nn.Embedding(symbols, WIDTH)
            self.place = nn.Embedding(BLOCK, WIDTH)
            self.layers = nn.Sequential(*(Layer() for _ in range(LAYERS)))
            self.last = nn.LayerNorm(WIDTH, bias=False)
            for name, weight in self.named_parameters():
                if weight.dim() == 2:
                    residual = name.endswith(("mix.weight", "down.weight"))
                    scale = 0.02 / math.sqrt(2 * LAYERS) if residual else 0.02
                    nn.init.normal_(weight, std=scale)

        def forward(self, x):
            x = self.symbol(x) + self.place.weight[: x.shape[1]]
            return self.last(self.layers(x)) @ self.symbol.weight.T

    return Model()


def nanogpt(text, seed, threads):
    import torch
    from torch.nn import functional as F

    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    symbols = sorted(set(text))
    numbers = torch.tensor([symbols.index(c) for c in text])
    train, test = numbers[: int(0.9 * len(text))], numbers[int(0.9 * len(text)) :]
    model = transformer(len(symbols))
    parameters = sum(weight.numel() for weight in model.parameters())
    groups = [
        {"params": [w for w in model.parameters() if w.dim() == 2], "weight_decay": 0.1},
        {"params": [w for w in model.parameters() if w.dim() < 2], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))
    begun = time.perf_counter()
    for step in range(STEPS):
        warm = min(1.0, (step + 1) / 101)
        share = max(0.0, (step - 100) / (STEPS - 100))
        rate = 1e-4 + 0.5 * (1 + math.cos(math.pi * share)) * 9e-4 if step >= 100 else 1e-3 * warm
        for group in optimiser.param_groups:
            group["lr"] = rate
        at = torch.randint(len(train) - BLOCK, (BATCH,))
        x = torch.stack([train[i : i + BLOCK] for i in at])
        y = torch.stack([train[i + 1 : i + BLOCK + 1] for i in at])
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    seconds = time.perf_counter() - begun
    with torch.no_grad():
        blocks = (len(test) - 1) // BLOCK
        x = test[: blocks * BLOCK].view(blocks, BLOCK)
        y = test[1 : blocks * BLOCK + 1].view(blocks, BLOCK)
        losses = [
            F.cross_entropy(model(a).flatten(0, 1), b.flatten(), reduction="sum").item()
            for a, b in zip(x.split(64), y.split(64))
        ]
    score = sum(losses) / (blocks * BLOCK)
    return {"model": "nanoGPT", "seed": seed, "parameters": parameters, "nats": score, "seconds": seconds}


def preset(binary, name, seed, threads, settings):
    with tempfile.TemporaryDirectory() as folder:
        command = [binary, "experiment", name, "--seeds", str(seed), "--json", "--quiet", "--no-pictures"]
        command += ["--no-model", "--out", str(Path(folder) / "run")]
        command += [part for setting in settings for part in ("--set", setting)]
        environment = os.environ | {"RAYON_NUM_THREADS": str(threads)}
        begun = time.perf_counter()
        run = subprocess.run(command, capture_output=True, text=True, env=environment)
        seconds = time.perf_counter() - begun
        if run.returncode != 0:
            sys.exit(run.stderr)
        record = json.loads(run.stdout.splitlines()[0])
    return {
        "model": name,
        "seed": seed,
        "parameters": record["trained_parameters"],
        "nats": record["test"],
        "seconds": seconds,
    }


def seeds_of(text):
    first, _, last = text.partition("..")
    return range(int(first), int(last) if last else int(first) + 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", nargs="*", default=["shakespeare"])
    parser.add_argument("--seeds", type=seeds_of, default=range(1000, 1001))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--binary", default=str(ROOT / "target/debug/ran"))
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--no-peer", action="store_true", help="leave nanoGPT out")
    parser.add_argument("--venv", type=Path, default=ROOT / "target/peers/torch", help="where PyTorch is installed with pip, if it is not")
    arguments = parser.parse_args()
    if not arguments.no_peer:
        ensure_package("torch", "torch", arguments.venv)
    text = (ROOT / "datasets/tiny-shakespeare/tiny_shakespeare.txt").read_text()
    print("model                     seed  parameters    nats  seconds", flush=True)
    for seed in arguments.seeds:
        runs = [] if arguments.no_peer else [lambda: nanogpt(text, seed, arguments.threads)]
        for name in arguments.presets:
            runs.append(
                lambda name=name: preset(arguments.binary, name, seed, arguments.threads, arguments.settings)
            )
        for run in runs:
            found = run()
            print(
                f"{found['model']:24}{found['seed']:6}{found['parameters']:12,}{found['nats']:8.4f}{found['seconds']:9.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
