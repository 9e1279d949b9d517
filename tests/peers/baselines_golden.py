"""Computes the networks of crates/baselines with PyTorch, on small random weights, for its tests to compare with.

    python3 tests/peers/baselines_golden.py [--venv DIR] [NAME ...]

It writes crates/baselines/tests/golden/NAME.safetensors, for all networks or those named: the configuration (as metadata), the
weights by their paths in the crate, the inputs, the features of every step and, where PyTorch has it, the memory after the last.
All numbers are 64-bit floats. Nothing of this project is imported: gru, lstm and the Transformer with norms after the sums are
PyTorch's own modules, the attention of the other Transformer is PyTorch's own function, and retention is the paper's equations in parallel form, with one decay for each pair of steps.

torch is installed with pip into a virtual environment (default: target/peers/torch) unless it can be imported already.
"""

import argparse
import json
import math
import struct
from pathlib import Path

from environment import ROOT, ensure_package

FOLDER = ROOT / "crates" / "baselines" / "tests" / "golden"
D_INPUT = 3
BATCH = 2
STEPS = 6
SHARED = {"width": 8, "layers": 2}

CONFIGS = {
    "gru": SHARED | {"kind": "gru"},
    "lstm": SHARED | {"kind": "lstm"},
    "transformer": SHARED | {"kind": "transformer", "heads": 2, "feed_forward": 12},
    "transformer-context": SHARED | {"kind": "transformer", "heads": 1, "context": 3},
    "transformer-cogscale": SHARED | {
        "kind": "transformer", "heads": 2, "feed_forward": 12, "norm": "post", "positions": "sinusoidal", "activation": "relu",
    },
    "retnet": SHARED | {"kind": "retnet", "heads": 2, "feed_forward": 12},
}


def main(configs, kind, description):
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(configs)} (default: all)")
    parser.add_argument("--venv", type=Path, default=ROOT / "target" / "peers" / "torch")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in configs]
    if unknown:
        parser.error(f"unknown network {unknown[0]}; known are {', '.join(configs)}")
    ensure_package("torch", "torch", arguments.venv)
    FOLDER.mkdir(exist_ok=True)
    for name in arguments.names or configs:
        config = configs[name]
        golden = kind(seed=len(name))
        golden.compute(config)
        size = write(FOLDER / f"{name}.safetensors", golden.tensors, config)
        print(f"{name}: {len(golden.tensors)} tensors, {size} bytes")


class Golden:
    """The weights of a network as they are drawn, and what it computes with them."""

    def __init__(self, seed):
        import torch

        self.torch = torch
        self.generator = torch.Generator().manual_seed(seed)
        self.tensors = {}
        self.inputs = self.random(BATCH, STEPS, D_INPUT)
        self.tensors["inputs"] = self.inputs

    def random(self, *shape, scale=1.0):
        """Normal numbers that 32-bit floats can hold."""
        numbers = self.torch.randn(*shape, generator=self.generator) * scale
        return numbers.double()

    def weight(self, path, *shape, scale=None, mean=0.0):
        """Draws a weight, by default with variance 1 / fan-in."""
        scale = scale or shape[0] ** -0.5
        self.tensors[path] = (self.random(*shape, scale=scale) + mean).float().double()
        return self.tensors[path]

    def linear(self, path, d_in, d_out, bias=True):
        weight = self.weight(f"{path}.weight", d_in, d_out)
        offset = self.weight(f"{path}.bias", d_out, scale=0.3) if bias else 0.0
        return lambda rows: rows @ weight + offset

    def layer_norm(self, path, width):
        gain = self.weight(f"{path}.gain", width, scale=0.3, mean=1.0)
        bias = self.weight(f"{path}.bias", width, scale=0.3)
        return lambda rows: self.torch.nn.functional.layer_norm(rows, (width,), gain, bias, eps=1e-5)

    def compute(self, config):
        kind = {"gru": self.recurrent, "lstm": self.recurrent, "transformer": self.transformer, "retnet": self.retnet}
        with self.torch.no_grad():
            self.tensors["features"] = kind[config["kind"]](config)

    def recurrent(self, config):
        """PyTorch's own module, whose matrices are transposed here."""
        kind = {"gru": self.torch.nn.GRU, "lstm": self.torch.nn.LSTM}[config["kind"]]
        width, layers = config["width"], config["layers"]
        module = kind(D_INPUT, width, layers, batch_first=True, dtype=self.torch.float64)
        for layer in range(layers):
            for part, theirs in [("input", "ih"), ("hidden", "hh")]:
                rows, columns = getattr(module, f"weight_{theirs}_l{layer}").shape
                weight = self.weight(f"layers.{layer}.{part}.weight", columns, rows)
                bias = self.weight(f"layers.{layer}.{part}.bias", rows, scale=0.3)
                getattr(module, f"weight_{theirs}_l{layer}").copy_(weight.T)
                getattr(module, f"bias_{theirs}_l{layer}").copy_(bias)
        features, last = module(self.inputs)
        last = last if isinstance(last, tuple) else (last,)
        for part, of_layers in zip(["hidden", "cell"], last):
            for layer in range(layers):
                self.tensors[f"memory.layers.{layer}.{part}"] = of_layers[layer].contiguous()
        return features

    def turned(self, rows, angles):
        """Turns the pairs of numbers at i and half a head further, as complex numbers; rows are [batch, heads, steps, d_head]."""
        torch = self.torch
        first, second = rows.chunk(2, dim=-1)
        positions = torch.arange(STEPS, dtype=torch.float64)
        turns = torch.polar(torch.ones(STEPS, len(angles), dtype=torch.float64), positions[:, None] * angles)
        pairs = torch.complex(first, second) * turns
        return torch.cat([pairs.real, pairs.imag], dim=-1)

    def heads(self, rows, heads):
        return rows.unflatten(-1, (heads, -1)).transpose(1, 2)

    def transformer(self, config):
        torch, functional = self.torch, self.torch.nn.functional
        width, heads = config["width"], config["heads"]
        between = config.get("feed_forward", 4 * width)
        d_head = width // heads
        angles = 10_000.0 ** (-torch.arange(0, d_head, 2, dtype=torch.float64) / d_head)
        lag = torch.arange(STEPS)[:, None] - torch.arange(STEPS)[None, :]
        seen = (lag >= 0) & (lag < config.get("context", STEPS))
        if config.get("norm") == "post":
            return self.torch_encoder(config, ~seen)
        rows = self.linear("input", D_INPUT, width)(self.inputs)
        for layer in range(config["layers"]):
            path = f"layers.{layer}"
            parts = self.linear(f"{path}.attention", width, 3 * width)(self.layer_norm(f"{path}.attention_norm", width)(rows))
            query, key, value = (self.heads(part, heads) for part in parts.chunk(3, dim=-1))
            answers = functional.scaled_dot_product_attention(
                self.turned(query, angles), self.turned(key, angles), value, attn_mask=seen)
            rows = rows + self.linear(f"{path}.output", width, width)(answers.transpose(1, 2).flatten(2))
            normed = self.layer_norm(f"{path}.feed_forward_norm", width)(rows)
            up = functional.gelu(self.linear(f"{path}.feed_forward.up", width, between)(normed))
            rows = rows + self.linear(f"{path}.feed_forward.down", between, width)(up)
        return self.layer_norm("norm", width)(rows)

    def torch_encoder(self, config, hidden):
        """PyTorch's own layers, with norms after the sums, and positions added as Vaswani et al. 2017 have it."""
        torch, width, between = self.torch, config["width"], config["feed_forward"]
        layer = torch.nn.TransformerEncoderLayer(
            width, config["heads"], between, dropout=0.0, activation=config["activation"], batch_first=True, dtype=torch.float64)
        encoder = torch.nn.TransformerEncoder(layer, config["layers"]).eval()
        rows = self.linear("input", D_INPUT, width)(self.inputs)
        for step in range(STEPS):
            for pair in range(width // 2):
                angle = step / 10_000 ** (2 * pair / width)
                rows[:, step, 2 * pair] += math.sin(angle)
                rows[:, step, 2 * pair + 1] += math.cos(angle)
        for at, layer in enumerate(encoder.layers):
            attention = layer.self_attn
            linears = [
                ("attention", attention.in_proj_weight, attention.in_proj_bias),
                ("output", attention.out_proj.weight, attention.out_proj.bias),
                ("feed_forward.up", layer.linear1.weight, layer.linear1.bias),
                ("feed_forward.down", layer.linear2.weight, layer.linear2.bias),
            ]
            for part, weight, bias in linears:
                d_out, d_in = weight.shape
                weight.copy_(self.weight(f"layers.{at}.{part}.weight", d_in, d_out).T)
                bias.copy_(self.weight(f"layers.{at}.{part}.bias", d_out, scale=0.3))
            for part, norm in [("attention_norm", layer.norm1), ("feed_forward_norm", layer.norm2)]:
                norm.weight.copy_(self.weight(f"layers.{at}.{part}.gain", width, scale=0.3, mean=1.0))
                norm.bias.copy_(self.weight(f"layers.{at}.{part}.bias", width, scale=0.3))
        return self.layer_norm("norm", width)(encoder(rows, mask=hidden))

    def retnet(self, config):
        torch, functional = self.torch, self.torch.nn.functional
        width, heads, between = config["width"], config["heads"], config["feed_forward"]
        d_key, values = width // heads, 2 * width
        angles = 1.0 / 10_000.0 ** torch.linspace(0, 1, d_key // 2, dtype=torch.float64)
        gamma = 1.0 - 2.0 ** (-5.0 - torch.arange(heads, dtype=torch.float64))
        lag = torch.arange(STEPS)[:, None] - torch.arange(STEPS)[None, :]
        decay = torch.where(lag >= 0, gamma[:, None, None] ** lag.clamp(min=0), 0.0)
        decay = decay / decay.sum(dim=-1, keepdim=True).sqrt()
        rows = self.linear("input", D_INPUT, width)(self.inputs)
        for layer in range(config["layers"]):
            path = f"layers.{layer}"
            normed = self.layer_norm(f"{path}.retention_norm", width)(rows)

            def mapped(part, d_out):
                return self.linear(f"{path}.retention.{part}", width, d_out, bias=False)(normed)

            query, key = (self.turned(self.heads(mapped(part, width), heads), angles) for part in ["query", "key"])
            value = self.heads(mapped("value", values), heads)
            scores = query @ key.transpose(-1, -2) / d_key**0.5 * decay
            answers = scores @ value

            def group_norm(of, eps):
                flat = of.transpose(1, 2).reshape(BATCH * STEPS, values)
                return functional.group_norm(flat, heads, eps=eps).reshape(BATCH, STEPS, values)

            # The paper's third normalisation changes nothing, but for the epsilon of the group norm.
            third = scores / scores.sum(dim=-1, keepdim=True).abs().clamp(min=1)
            torch.testing.assert_close(group_norm(third @ value, 1e-30), group_norm(answers, 1e-30))
            gated = functional.silu(mapped("gate", values)) * group_norm(answers, 1e-5)
            rows = rows + self.linear(f"{path}.retention.output", values, width, bias=False)(gated)
            normed = self.layer_norm(f"{path}.feed_forward_norm", width)(rows)
            up = functional.gelu(self.linear(f"{path}.feed_forward.up", width, between, bias=False)(normed))
            rows = rows + self.linear(f"{path}.feed_forward.down", between, width, bias=False)(up)
        return self.layer_norm("norm", width)(rows)


def write(path, tensors, config):
    """Writes a safetensors file: the length of a JSON header, the header, the numbers."""
    header, numbers = {"__metadata__": {"config": json.dumps(config)}}, b""
    for name, tensor in tensors.items():
        flat = tensor.flatten().tolist()
        data = struct.pack(f"<{len(flat)}d", *flat)
        header[name] = {
            "dtype": "F64", "shape": list(tensor.shape), "data_offsets": [len(numbers), len(numbers) + len(data)],
        }
        numbers += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    content = struct.pack("<Q", len(text)) + text + numbers
    path.write_bytes(content)
    return len(content)


if __name__ == "__main__":
    main(CONFIGS, Golden, __doc__)
