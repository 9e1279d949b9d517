"""Time an epoch of gradient training on Japanese Vowels in PyTorch, and in this project, on the same machine.

    python -m venv .venv && .venv/bin/pip install torch numpy
    .venv/bin/python tests/peers/vowels_epoch.py

Both train 20 attention blocks of width 16 with a context of 4 (sliding memory, identity wiring with 8 copies of each
input, tanh outputs, the last state read) on the 270 training utterances in shuffled batches of 32, with Adam, clipped
gradients and full backpropagation through time. PyTorch runs eagerly, padded to the longest utterance of a batch. Our
time is that of a run of 41 epochs less that of a run of one, over 40, so that loading and judging count in neither.
"""
import json
import math
import pathlib
import subprocess
import tempfile
import time

import torch

UNITS, DIM, CONTEXT, BATCH, COPIES = 20, 16, 4, 32, 8
WIDTH = UNITS * DIM


def utterances():
    root = pathlib.Path(__file__).resolve().parents[2]
    path = next((root / "datasets").rglob("JapaneseVowels_TRAIN.ts"))
    inputs, labels = [], []
    for line in path.read_text().splitlines():
        if line and line[0] not in "#@":
            *channels, label = line.split(":")
            inputs.append(torch.tensor([[float(x) for x in c.split(",") if x != "?"] for c in channels]).T)
            labels.append(int(label) - 1)
    return inputs, torch.tensor(labels)


class Network(torch.nn.Module):
    def __init__(self, inputs):
        super().__init__()
        scale = 1 / math.sqrt(DIM)
        make = lambda *shape: torch.nn.Parameter((2 * torch.rand(*shape) - 1) * scale)
        self.qkv, self.qkv_bias = make(UNITS, DIM, 3 * DIM), make(UNITS, 1, 3 * DIM)
        self.up, self.up_bias = make(UNITS, DIM, 4 * DIM), make(UNITS, 1, 4 * DIM)
        self.down, self.down_bias = make(UNITS, 4 * DIM, DIM), make(UNITS, 1, DIM)
        self.readout = torch.nn.Linear(WIDTH, 9)
        slots = torch.randperm(WIDTH)
        reads = inputs + torch.randperm(WIDTH)
        reads[slots[:inputs * COPIES]] = torch.arange(inputs).repeat(COPIES)
        self.register_buffer("reads", reads)

    def forward(self, x, lengths):
        batch, steps, _ = x.shape
        keys = values = torch.zeros(UNITS * batch, CONTEXT - 1, DIM)
        h, states = torch.zeros(batch, WIDTH), []
        for t in range(steps):
            z = torch.cat([x[:, t], h], 1)[:, self.reads].view(batch, UNITS, DIM).transpose(0, 1)
            mixed = torch.baddbmm(self.qkv_bias, z, self.qkv).reshape(UNITS * batch, 1, 3 * DIM)
            q, k, v = mixed.chunk(3, 2)
            keys, values = torch.cat([keys, k], 1), torch.cat([values, v], 1)
            a = torch.softmax(q.bmm(keys.transpose(1, 2)) / math.sqrt(DIM), 2).bmm(values)
            keys, values = keys[:, 1:], values[:, 1:]
            up = torch.relu(torch.baddbmm(self.up_bias, a.view(UNITS, batch, DIM), self.up))
            h = torch.baddbmm(self.down_bias, up, self.down).tanh().transpose(0, 1).reshape(batch, WIDTH)
            states.append(h)
        last = torch.stack(states, 1)[torch.arange(batch), lengths - 1]
        return self.readout(last)


def torch_epoch():
    torch.manual_seed(0)
    inputs, labels = utterances()
    lengths = torch.tensor([len(one) for one in inputs])
    network = Network(inputs[0].shape[1])
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    times = []
    for _ in range(6):
        begin = time.perf_counter()
        for some in torch.randperm(len(inputs)).split(BATCH):
            padded = torch.nn.utils.rnn.pad_sequence([inputs[i] for i in some], batch_first=True)
            loss = torch.nn.functional.cross_entropy(network(padded, lengths[some]), labels[some])
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
        times.append(time.perf_counter() - begin)
    return sorted(times[1:])[len(times[1:]) // 2]


def ran_epoch(folder):
    def run(epochs):
        command = ["cargo", "xtask", "experiment", "japanese-vowels-full", "--seeds", "0..3", "--json",
                   "--set", f"learning.epochs={epochs}", "--set", "readout.features=last", "--out", folder]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
        seconds = [json.loads(line)["seconds"] for line in lines[:-1]]
        return sorted(seconds)[1]

    return (run(41) - run(1)) / 40


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        own, peer = ran_epoch(folder), torch_epoch()
    print(f"an epoch: {1e3 * own:.0f} ms here, {1e3 * peer:.0f} ms in PyTorch, {peer / own:.1f} times faster")
