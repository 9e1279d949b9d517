"""Compares the golden values of crates/baselines with public code of the same networks.

    python3 tests/peers/baselines_public.py --code DIR [--venv DIR]

DIR has clones of the repositories, as far as they are there: mamba-minimal (github.com/johnma2006), RWKV-LM (github.com/BlinkDL),
torchscale (github.com/microsoft) and Echo-State-Transformer (github.com/Naowak). The weights and inputs of
crates/baselines/tests/golden are put into their modules, and the features of every step are compared. Retention is torchscale's module
in RetNet's layers, with the paper's group norm, which centres, in place of the RMS norm that torchscale has had since. The public modules of
retention and Mamba round to 32 bits within.

torch, einops, tqdm and tensorboard, which that code imports, are installed with pip into a virtual environment (default: target/peers/public)
unless they can be imported already.
"""

import argparse
import ast
import json
import struct
import sys
from pathlib import Path
from types import SimpleNamespace

from environment import ROOT, ensure_package

FOLDER = ROOT / "crates" / "baselines" / "tests" / "golden"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--code", type=Path, required=True)
    parser.add_argument("--venv", type=Path, default=ROOT / "target" / "peers" / "public")
    arguments = parser.parse_args()
    for module in ["torch", "einops", "tqdm", "tensorboard"]:
        ensure_package(module, "torch einops tqdm tensorboard", arguments.venv)
    compared = 0
    for name, (repository, compute, most) in PUBLIC.items():
        folder = arguments.code / repository
        if not folder.exists():
            print(f"{name}: {folder} is not there")
            continue
        config, tensors = golden(name)
        import torch

        with torch.no_grad():
            features = compute(folder, config, tensors)
        off = (features.double() - tensors["features"]).abs().max().item()
        print(f"{name}: off by at most {off:.1e}")
        if not off < most:
            sys.exit(f"{name} is off by more than {most:.0e}")
        compared += 1
    if compared == 0:
        sys.exit(f"there is no public code in {arguments.code}")


def golden(name):
    """The configuration and the tensors of a golden file."""
    import torch

    data = (FOLDER / f"{name}.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header, numbers = json.loads(data[8 : 8 + length]), data[8 + length :]
    config = json.loads(header.pop("__metadata__")["config"])
    tensors = {}
    for path, entry in header.items():
        start, end = entry["data_offsets"]
        flat = struct.unpack(f"<{(end - start) // 8}d", numbers[start:end])
        tensors[path] = torch.tensor(flat, dtype=torch.float64).reshape(entry["shape"])
    return config, tensors


def put(module, weights):
    """Puts weights into a module's parameters and buffers, all of which must be named."""
    missing = module.load_state_dict({path: weight.reshape(module.state_dict()[path].shape) for path, weight in weights.items()})
    assert not missing.missing_keys and not missing.unexpected_keys, missing


def mamba(folder, config, at):
    sys.path.insert(0, str(folder))
    import model

    args = model.ModelArgs(
        d_model=config["width"], n_layer=config["layers"], vocab_size=8, d_state=config["d_state"], expand=config["expand"],
        dt_rank=config.get("dt_rank", "auto"), d_conv=config["d_conv"],
    )
    network = model.Mamba(args).double()
    rows = at["inputs"] @ at["input.weight"] + at["input.bias"]
    for number, block in enumerate(network.layers):
        path = f"layers.{number}"
        put(block, {
            "norm.weight": at[f"{path}.norm.gain"],
            "mixer.in_proj.weight": at[f"{path}.input.weight"].T,
            "mixer.conv1d.weight": at[f"{path}.convolution"].T,
            "mixer.conv1d.bias": at[f"{path}.convolution_bias"],
            "mixer.x_proj.weight": at[f"{path}.selection.weight"].T,
            "mixer.dt_proj.weight": at[f"{path}.step_size.weight"].T,
            "mixer.dt_proj.bias": at[f"{path}.step_size.bias"],
            "mixer.A_log": at[f"{path}.log_rate"],
            "mixer.D": at[f"{path}.skip"],
            "mixer.out_proj.weight": at[f"{path}.output.weight"].T,
        })
        rows = block(rows)
    put(network.norm_f, {"weight": at["norm.gain"]})
    return network.norm_f(rows)


def rwkv(folder, config, at):
    import numpy as np
    import torch

    # The file loads a trained model behind its functions.
    source = (folder / "RWKV-v7" / "rwkv_v7_numpy.py").read_text().split("# Verification")[0]
    layers, heads, width = config["layers"], config["heads"], config["width"]
    code = {"N_LAYER": layers, "N_HEAD": heads, "HEAD_SIZE": width // heads}
    exec(source, code)
    at = {path: weight.numpy() for path, weight in at.items()}
    params = {"blocks.0.ln0": [at["input_norm.gain"], at["input_norm.bias"]], "ln_out": [at["norm.gain"], at["norm.bias"]]}
    params["head"] = [np.eye(width)]
    for layer in range(layers):
        path, time = f"layers.{layer}", f"layers.{layer}.time"

        def low_rank(part):
            parts = ["down.weight", "up.weight", "up.bias"]
            return [at[f"{time}.{part}.{one}"] for one in parts if f"{time}.{part}.{one}" in at]

        down, up, bias = low_rank("decay")
        att = [*at[f"{time}.mix"], bias, at[f"{time}.bonus"], down, up, *low_rank("rate"), *low_rank("gate")]
        if layer > 0:
            down, up, bias = low_rank("first_value")
            att += [up, down, bias]
        att += [at[f"{time}.key_scale"], at[f"{time}.key_rate"]]
        att += [at[f"{time}.{part}.weight"].T for part in ["receptance", "key", "value", "output"]]
        params[f"blocks.{layer}.att"] = [*att, at[f"{time}.norm.gain"], at[f"{time}.norm.bias"]]
        params[f"blocks.{layer}.ffn"] = [
            at[f"{path}.channel.mix"], at[f"{path}.channel.key.weight"].T, at[f"{path}.channel.value.weight"].T,
        ]
        for public, own in [("ln1", "time_norm"), ("ln2", "channel_norm")]:
            params[f"blocks.{layer}.{public}"] = [at[f"{path}.{own}.gain"], at[f"{path}.{own}.bias"]]
    features = []
    for sequence in at["inputs"]:
        params["emb"] = [sequence @ at["input.weight"] + at["input.bias"]]
        state = (np.zeros((layers, 2, width)), np.zeros((layers, heads, width // heads, width // heads)))
        for step in range(len(sequence)):
            row, state = code["RWKV7"](params.get, step, state)
            features.append(row)
    return torch.tensor(np.array(features)).reshape(at["features"].shape)


def retnet(folder, config, at):
    import torch
    from torch.nn import functional

    sys.path.insert(0, str(folder))
    from torchscale.component.multiscale_retention import MultiScaleRetention

    # The file of the positions imports what is not needed here.
    tree = ast.parse((folder / "torchscale" / "architecture" / "retnet.py").read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "RetNetRelPos"]
    code = {"torch": torch, "nn": torch.nn}
    exec(compile(tree, "retnet.py", "exec"), code)
    width, heads = config["width"], config["heads"]
    args = SimpleNamespace(
        multiway=False, layernorm_eps=1e-5, decoder_embed_dim=width, decoder_retention_heads=heads, recurrent_chunk_size=1,
    )
    positions = code["RetNetRelPos"](args)(at["inputs"].shape[1])
    positions = ((positions[0][0].double(), positions[0][1].double()), positions[1].double())

    def layer_norm(path, rows):
        return functional.layer_norm(rows, (width,), at[f"{path}.gain"], at[f"{path}.bias"])

    rows = at["inputs"] @ at["input.weight"] + at["input.bias"]
    for layer in range(config["layers"]):
        path = f"layers.{layer}"
        retention = MultiScaleRetention(args, width, 2 * width, heads).double()
        retention.group_norm = torch.nn.LayerNorm(retention.head_dim, eps=1e-5, elementwise_affine=False)
        names = {"q_proj": "query", "k_proj": "key", "v_proj": "value", "g_proj": "gate", "out_proj": "output"}
        weights = {f"{public}.weight": at[f"{path}.retention.{own}.weight"].T for public, own in names.items()}
        # Torchscale turns neighbours, the crate the numbers at i and half a head further.
        for part in ["q_proj.weight", "k_proj.weight"]:
            weights[part] = weights[part].unflatten(0, (heads, 2, -1)).transpose(1, 2).flatten(0, 2)
        put(retention, weights)
        rows = rows + retention(layer_norm(f"{path}.retention_norm", rows), positions)
        hidden = layer_norm(f"{path}.feed_forward_norm", rows) @ at[f"{path}.feed_forward.up.weight"]
        rows = rows + functional.gelu(hidden) @ at[f"{path}.feed_forward.down.weight"]
    return layer_norm("norm", rows)


def echo_state_transformer(folder, config, at):
    import torch

    sys.path.insert(0, str(folder / "libs"))
    import EST

    layers = config["layers"]
    network = EST.EST(
        num_layers=layers, memory_units=config["units"], memory_dim=config["neurons"], attention_dim=config["width"],
        memory_connectivity=1.0, dtype=torch.float64,
    )
    for number, layer in enumerate(network.est_layers):
        path = f"layers.{number}"
        layer._define_model()
        memory = f"{path}.reservoirs"
        put(layer, {
            **{f"norm{place}.weight": at[f"{path}.{name}.gain"] for place, name in enumerate(["update_norm", "self_norm", "norm"], 1)},
            "Wq": at[f"{path}.query"], "Wk": at[f"{path}.key"], "Wv": at[f"{path}.value"],
            **{f"SW{part[0]}": at[f"{path}.self_{part}.weight"] for part in ["query", "key", "value"]},
            **{
                f"{public}.weight": at[f"{path}.{own}.weight"].T
                for public, own in [("Wreduce", "reduce"), ("ff_in", "up"), ("ff_out", "down")]
            },
            **{
                f"{public}.bias": at[f"{path}.{own}.bias"]
                for public, own in [("Wreduce", "reduce"), ("ff_in", "up"), ("ff_out", "down")]
            },
            "memory.W": at[f"{memory}.recurrent"], "memory.Win": at[f"{memory}.input"], "memory.bias": at[f"{memory}.bias"],
            "memory.Wout": at[f"{memory}.output"], "memory.sr": at[f"{memory}.radius"],
            "memory.adaptive_lr": at[f"{memory}.leak"], "memory.temperature": at[f"{memory}.log_temperature"].exp(),
        })
    features = []
    states = torch.zeros(at["inputs"].shape[0], layers, config["units"], config["neurons"], dtype=torch.float64)
    for step in range(at["inputs"].shape[1]):
        row = at["inputs"][:, step] @ at["input.weight"]
        new = []
        for layer, state in zip(network.est_layers, states.unbind(1)):
            row, state = layer(row, state)
            new.append(state)
        states = torch.stack(new, dim=1)
        features.append(row)
    return torch.stack(features, dim=1)


# Of each golden file the folder of the public code, what computes it, and the greatest difference that is rounding.
PUBLIC = {
    "mamba": ("mamba-minimal", mamba, 1e-5),
    "rwkv": ("RWKV-LM", rwkv, 1e-10),
    "retnet": ("torchscale", retnet, 1e-4),
    "echo-state-transformer": ("Echo-State-Transformer", echo_state_transformer, 1e-10),
}


if __name__ == "__main__":
    main()
