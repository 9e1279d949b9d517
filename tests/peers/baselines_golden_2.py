"""Computes RWKV-7, Mamba and the Echo State Transformer with PyTorch, for the tests of crates/baselines to compare with.

    python3 tests/peers/baselines_golden_2.py [--venv DIR] [NAME ...]

It writes the same files as baselines_golden.py, for three more networks. Each is written from the equations of its reference, in
another form than the crate's: RWKV-7 token by token on vectors, as in the authors' numpy file (github.com/BlinkDL/RWKV-LM,
RWKV-v7/rwkv_v7_numpy.py); Mamba with PyTorch's convolution and one entry of the state after another, as in the paper's algorithm 2
(compare github.com/johnma2006/mamba-minimal); the Echo State Transformer with all keys and values and PyTorch's own attention and
norms, as in the authors' code (github.com/Naowak/Echo-State-Transformer). baselines_public.py compares them with that code.
"""

import math

from baselines_golden import BATCH, D_INPUT, STEPS, Golden, main

CONFIGS = {
    "rwkv": {"kind": "rwkv", "width": 8, "layers": 2, "heads": 2, "rank": 3},
    "mamba": {"kind": "mamba", "width": 8, "layers": 2, "expand": 2, "d_state": 3, "d_conv": 3, "dt_rank": 2},
    "mamba-no-window": {"kind": "mamba", "width": 8, "layers": 1, "expand": 1, "d_state": 2, "d_conv": 1},
    "mamba-cogscale": {
        "kind": "mamba", "width": 8, "layers": 2, "expand": 2, "d_state": 3, "d_conv": 3, "dt_rank": 2, "residual": False,
    },
    "echo-state-transformer": {
        "kind": "echo-state-transformer", "width": 8, "layers": 2, "units": 3, "neurons": 5, "connectivity": 0.4,
    },
}


class Golden2(Golden):
    def compute(self, config):
        kind = {"rwkv": self.rwkv, "mamba": self.mamba, "echo-state-transformer": self.echo_state_transformer}
        with self.torch.no_grad():
            self.tensors["features"] = kind[config["kind"]](config)

    def remember(self, part, numbers):
        """Keeps what a batch remembers of a part, flat."""
        self.tensors[f"memory.{part}"] = self.torch.stack(numbers).flatten(1)

    def rwkv(self, config):
        width, layers = config["width"], config["layers"]
        self.linear("input", D_INPUT, width)
        names = ["input_norm", *(f"layers.{at}.{part}_norm" for at in range(layers) for part in ["time", "channel"]), "norm"]
        norms = {name: self.layer_norm(name, width) for name in names}
        for layer in range(layers):
            self.rwkv_weights(f"layers.{layer}", config, lowest=layer == 0)
        sequences = [self.rwkv_sequence(sequence, config, norms) for sequence in self.inputs]
        for layer in range(layers):
            for part in ["time_row", "state", "channel_row"]:
                name = f"layers.{layer}.{part}"
                self.remember(name, [memory[name] for _, memory in sequences])
        return self.torch.stack([features for features, _ in sequences])

    def rwkv_weights(self, path, config, lowest):
        width, heads, rank = config["width"], config["heads"], config["rank"]
        time = f"{path}.time"
        self.weight(f"{time}.mix", 6, width, scale=0.3, mean=0.5)
        for part in ["receptance", "key", "value", "output"]:
            self.linear(f"{time}.{part}", width, width, bias=False)
        for part in ["decay", "rate", "gate"] + ([] if lowest else ["first_value"]):
            self.linear(f"{time}.{part}.down", width, rank, bias=False)
            self.linear(f"{time}.{part}.up", rank, width, bias=part != "gate")
        self.weight(f"{time}.key_scale", width, scale=0.3, mean=0.7)
        self.weight(f"{time}.key_rate", width, scale=0.3, mean=1.0)
        self.weight(f"{time}.bonus", heads, width // heads, scale=0.3)
        self.layer_norm(f"{time}.norm", width)
        self.weight(f"{path}.channel.mix", width, scale=0.3, mean=0.5)
        self.linear(f"{path}.channel.key", width, 4 * width, bias=False)
        self.linear(f"{path}.channel.value", 4 * width, width, bias=False)

    def rwkv_sequence(self, sequence, config, norms):
        """One sequence, token by token: the features of each and the memory after the last."""
        torch, at = self.torch, self.tensors
        width, heads = config["width"], config["heads"]
        d_head = width // heads
        memory = {}
        for layer in range(config["layers"]):
            memory[f"layers.{layer}.time_row"] = torch.zeros(width, dtype=torch.float64)
            memory[f"layers.{layer}.channel_row"] = torch.zeros(width, dtype=torch.float64)
            memory[f"layers.{layer}.state"] = torch.zeros(heads, d_head, d_head, dtype=torch.float64)
        features = []
        for token in sequence:
            row = norms["input_norm"](token @ at["input.weight"] + at["input.bias"])
            first = None
            for layer in range(config["layers"]):
                path = f"layers.{layer}"
                time, channel = f"{path}.time", f"{path}.channel"

                now, before = norms[f"{path}.time_norm"](row), memory[f"{path}.time_row"]
                memory[f"{path}.time_row"] = now
                to_r, to_w, to_k, to_v, to_a, to_g = (now + share * (before - now) for share in at[f"{time}.mix"])
                r, k, v = (of @ at[f"{time}.{part}.weight"]
                           for of, part in [(to_r, "receptance"), (to_k, "key"), (to_v, "value")])

                def low_rank(part, of, between=lambda numbers: numbers):
                    mapped = between(of @ at[f"{time}.{part}.down.weight"]) @ at[f"{time}.{part}.up.weight"]
                    return mapped + at.get(f"{time}.{part}.up.bias", 0.0)

                w = torch.exp(-torch.sigmoid(low_rank("decay", to_w, torch.tanh)) / math.e**0.5)
                if first is None:
                    first = v
                else:
                    v = v + (first - v) * torch.sigmoid(low_rank("first_value", to_v))
                a = torch.sigmoid(low_rank("rate", to_a))
                g = low_rank("gate", to_g, torch.sigmoid)
                erased = k * at[f"{time}.key_scale"]
                k = k + k * (a - 1) * at[f"{time}.key_rate"]

                out = torch.zeros(width, dtype=torch.float64)
                states = []
                for head in range(heads):
                    own = slice(head * d_head, (head + 1) * d_head)
                    state = memory[f"{path}.state"][head]
                    unit = erased[own] / torch.clamp(erased[own].norm(), min=1e-12)
                    # The transition as a matrix: a decay of each column less what is erased.
                    transition = torch.diag(w[own]) - torch.outer(unit, unit * a[own])
                    state = state @ transition + torch.outer(v[own], k[own])
                    states.append(state)
                    read = state @ r[own]
                    read = (read - read.mean()) / (read.var(unbiased=False) + 64e-5).sqrt()
                    read = read * at[f"{time}.norm.gain"][own] + at[f"{time}.norm.bias"][own]
                    out[own] = read + torch.dot(r[own] * k[own], at[f"{time}.bonus"][head]) * v[own]
                memory[f"{path}.state"] = torch.stack(states)
                row = row + (out * g) @ at[f"{time}.output.weight"]

                now, before = norms[f"{path}.channel_norm"](row), memory[f"{path}.channel_row"]
                memory[f"{path}.channel_row"] = now
                mixed = now + at[f"{channel}.mix"] * (before - now)
                hidden = torch.clamp(mixed @ at[f"{channel}.key.weight"], min=0) ** 2
                row = row + hidden @ at[f"{channel}.value.weight"]
            features.append(norms["norm"](row))
        return torch.stack(features), memory

    def rms_norm(self, path, width, eps):
        gain = self.weight(f"{path}.gain", width, scale=0.3, mean=1.0)
        return lambda rows: self.torch.nn.functional.rms_norm(rows, (width,), gain, eps)

    def mamba(self, config):
        torch, functional = self.torch, self.torch.nn.functional
        width, d_state, d_conv = config["width"], config["d_state"], config["d_conv"]
        channels, rank = config["expand"] * width, config.get("dt_rank", math.ceil(width / 16))
        residual = config.get("residual", True)
        rows = self.linear("input", D_INPUT, width)(self.inputs)
        for layer in range(config["layers"]):
            path = f"layers.{layer}"
            normed = self.rms_norm(f"{path}.norm", width, 1e-5)(rows) if residual else rows
            x, gate = self.linear(f"{path}.input", width, 2 * channels, bias=False)(normed).split(channels, dim=-1)
            taps = self.weight(f"{path}.convolution", d_conv, channels)
            bias = self.weight(f"{path}.convolution_bias", channels, scale=0.3)
            if d_conv > 1:
                self.remember(f"{path}.window", list(x[:, STEPS - d_conv + 1:]))
            # PyTorch's convolution has the channels first, and pads both ends.
            x = functional.conv1d(x.mT, taps.T[:, None], bias, padding=d_conv - 1, groups=channels)[..., :STEPS].mT
            x = functional.silu(x)
            chosen = self.linear(f"{path}.selection", channels, rank + 2 * d_state, bias=False)(x)
            size, write, read = chosen.split([rank, d_state, d_state], dim=-1)
            size = functional.softplus(self.linear(f"{path}.step_size", rank, channels)(size))
            rate = -torch.exp(self.weight(f"{path}.log_rate", channels, d_state, scale=0.5))
            skip = self.weight(f"{path}.skip", channels, scale=0.3, mean=1.0)
            state = torch.zeros(BATCH, channels, d_state, dtype=torch.float64)
            y = torch.zeros(BATCH, STEPS, channels, dtype=torch.float64)
            for step in range(STEPS):
                for entry in range(d_state):
                    decay = torch.exp(size[:, step] * rate[:, entry])
                    written = size[:, step] * write[:, step, entry, None] * x[:, step]
                    state[..., entry] = decay * state[..., entry] + written
                    y[:, step] += read[:, step, entry, None] * state[..., entry]
            self.remember(f"{path}.state", list(state))
            y = (y + x * skip) * functional.silu(gate)
            answer = self.linear(f"{path}.output", channels, width, bias=False)(y)
            rows = rows + answer if residual else answer
        return self.rms_norm("norm", width, 1e-5)(rows) if residual else self.layer_norm("layer_norm", width)(rows)

    def echo_state_transformer(self, config):
        torch, functional = self.torch, self.torch.nn.functional
        width, units, neurons = config["width"], config["units"], config["neurons"]
        attend = functional.scaled_dot_product_attention
        rows = self.linear("input", D_INPUT, width, bias=False)(self.inputs)
        for layer in range(config["layers"]):
            path = f"layers.{layer}"
            query, key, value = (
                self.weight(f"{path}.{part}", units, width, width, scale=width**-0.5) for part in ["query", "key", "value"])
            memory = f"{path}.reservoirs"
            fed = self.weight(f"{memory}.input", units, width, neurons, scale=0.5)
            recurrent = self.weight(f"{memory}.recurrent", units, neurons, neurons, scale=0.5)
            bias = self.weight(f"{memory}.bias", units, neurons, scale=0.5)
            radius = self.weight(f"{memory}.radius", units, scale=0.5, mean=0.8)
            leak = self.weight(f"{memory}.leak", units, width, scale=0.5)
            temperature = torch.exp(self.weight(f"{memory}.log_temperature", 1, scale=0.5))
            output = self.weight(f"{memory}.output", units, neurons, width, scale=neurons**-0.5)
            own = [self.linear(f"{path}.self_{part}", width, width, bias=False) for part in ["query", "key", "value"]]
            reduce = self.linear(f"{path}.reduce", units * width, width)
            up = self.linear(f"{path}.up", width, 4 * width)
            down = self.linear(f"{path}.down", 4 * width, width)
            update_norm, self_norm, norm = (
                self.rms_norm(f"{path}.{name}", width, 1e-8) for name in ["update_norm", "self_norm", "norm"])

            state = torch.zeros(BATCH, units, neurons, dtype=torch.float64)
            answers = []
            for step in range(STEPS):
                row = rows[:, step]
                said = torch.einsum("bmr,mrd->bmd", state, output)
                queries = torch.einsum("bd,mde->bme", row, query)[:, :, None]
                keys = torch.einsum("bjd,mde->bmje", said, key)
                values = torch.einsum("bjd,mde->bmje", said, value)
                update = update_norm(attend(queries, keys, values).squeeze(2) + row[:, None])
                leaks = torch.softmax(torch.einsum("bmd,md->bm", update, leak) / temperature, dim=1)[..., None]
                echo = torch.einsum("bmr,mrs->bms", state, recurrent * radius[:, None, None])
                new = torch.tanh(torch.einsum("bmd,mdr->bmr", update, fed) + echo + bias)
                state = (1 - leaks) * state + leaks * new
                said = torch.einsum("bmr,mrd->bmd", state, output)
                mixed = self_norm(attend(*(linear(said) for linear in own)) + said)
                reduced = reduce(mixed.flatten(1))
                answers.append(norm(down(functional.gelu(up(reduced))) + reduced))
            self.remember(f"{path}.state", list(state))
            rows = torch.stack(answers, dim=1)
        return rows


if __name__ == "__main__":
    main(CONFIGS, Golden2, __doc__)
