"""Writes `fixtures/networks/NETWORK.safetensors`: what small versions of the networks without decisions compute.

    python tests/reference/make_networks.py [NETWORK...]

needs torch, numpy and safetensors (`requirements.txt`), takes a few seconds, and gives the same files on every run.

A fixture has one or more cases, each the network with some parameters. Nothing that follows from a name is in it (`weights.py`):
weights, statistics, and the picture, which is 4 times what `CASE/input.image` gives. It holds, as float32 (labels: int64), N = 3:

    CASE/OUTPUT.eval              each output; batch-norm takes the running statistics
    CASE/grad.NAME                gradients for some weights, of the sum over all outputs of their mean squares, each output divided
                                  by its largest element, batch-norm as before

and of networks that are not too deep for it

    CASE/input.label              the labels
    CASE/logits.train             batch-norm takes the batch's statistics; dropout is switched off by a parameter
    CASE/loss.train               mean cross entropy of logits.train
    CASE/state_after.NAME         some running statistics after the one forward in training mode

and, as JSON in the metadata's one entry `fixture`, `cases`: by name, in order, `params` (the space's parameters), `image` (the
picture's shape), `weights` (how many trainable scalars), `tensors` (how many weights and statistics).

Results are computed in float64 from the float32 weights and then rounded; that PyTorch's own float32 stays well within the
tests' tolerance is asserted here. In training mode with random weights that does not hold behind dozens of batch-norms: each
divides by the deviation of a few numbers, and two runs in float32 part.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

import alexnet
import efficientnet_lite0
import resnet
import retinanet
import squeezenet
from weights import by_name, count_weights, fill, named_tensors, shapes

FIXTURES = Path(__file__).parent / "fixtures" / "networks"
BATCH = 3

SIZE_LIMIT = 100_000
"""Bytes that a network's fixture may take."""

ROUNDING = 5e-6
"""How far PyTorch's float32 results may be from its float64 ones, as a part of the largest: the tests compare to 1e-5."""

Params = dict[str, int | float | bool]


@dataclass
class Network:
    """What this program needs to know of a network, and its cases by name."""

    name: str
    build: Callable[..., nn.Module]
    our_name: Callable[[nn.Module, str], str]
    cases: dict[str, Params]
    trained: bool = False


def networks() -> list[Network]:
    deep = {"width": 4, "classes": 10, "size": 64}
    detector = {"width": 4, "pyramid": 8, "classes": 3, "anchors": 2, "size": 64}
    strides = {"caffe": {"stride_in_1x1": True}, "torchvision": {"stride_in_1x1": False}}
    both = lambda params: {name: params | stride for name, stride in strides.items()}
    # An odd size, for which padding is the same on both sides, and an even one.
    efficient = {f"size_{size}": {"unit": 1, "classes": 10, "size": size, "rate": 0.0} for size in (64, 49)}
    light = lambda **params: retinanet.RetinaNet(**params, light=True)
    return [
        Network(
            "alexnet",
            alexnet.AlexNet,
            alexnet.our_name,
            {"small": {"unit": 2, "hidden": 24, "classes": 10, "size": 99, "rate": 0.0}},
            trained=True,
        ),
        Network(
            "squeezenet",
            squeezenet.SqueezeNet,
            squeezenet.our_name,
            {"small": {"unit": 2, "classes": 10, "size": 67, "rate": 0.0}},
            trained=True,
        ),
        Network("resnet50", lambda **params: resnet.ResNet([3, 4, 6, 3], **params), resnet.our_name, both(deep)),
        Network("resnet152", lambda **params: resnet.ResNet([3, 8, 36, 3], **params), resnet.our_name, both(deep)),
        Network(
            "resnet_cifar",
            resnet.ResNetCifar,
            resnet.our_cifar_name,
            {f"blocks_{blocks}": {"blocks": blocks, "c": 4, "classes": 10, "size": 16} for blocks in (1, 3)},
            trained=True,
        ),
        Network("efficientnet_lite0", efficientnet_lite0.EfficientNetLite0, efficientnet_lite0.our_name, efficient),
        Network("retinanet", retinanet.RetinaNet, retinanet.our_name, both(detector)),
        Network("retinanet_light", light, retinanet.our_name, {"small": detector}),
    ]


def results(module: nn.Module, named: dict[str, Tensor], image: Tensor, label: Tensor | None) -> dict[str, Tensor]:
    """Everything that a case holds but its label, without which there is no training. Moves running statistics once."""

    def run() -> dict[str, Tensor]:
        found = module(image)
        return found if isinstance(found, dict) else {"logits": found}

    module.eval()
    evaluated = run()
    loss = sum((output / output.detach().abs().max()).square().mean() for output in evaluated.values())
    trainable = [name for name, tensor in named.items() if isinstance(tensor, nn.Parameter)]
    statistics = [name for name in named if name not in trainable]
    wanted = {name: named[name] for name in (trainable[0], trainable[len(trainable) // 2], trainable[-2])}
    gradients = torch.autograd.grad(loss, list(wanted.values()))
    found = {
        **{f"{name}.eval": output.detach() for name, output in evaluated.items()},
        **{f"grad.{name}": gradient for name, gradient in zip(wanted, gradients, strict=True)},
    }
    if label is not None:
        module.train()
        with torch.no_grad():
            logits = module(image)
        found |= {"logits.train": logits, "loss.train": F.cross_entropy(logits, label)}
        found |= {f"state_after.{name}": named[name].clone() for name in dict.fromkeys(statistics[:2] + statistics[-2:])}
    return found


def make(network: Network) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a network's fixture."""
    generator = torch.Generator().manual_seed(1)
    everything, cases = {}, {}
    for case, params in network.cases.items():
        module = network.build(**params)
        our_name = lambda key: network.our_name(module, key)
        fill(module, our_name, shapes(module, our_name))
        shape = [BATCH, 3, params["size"], params["size"]]
        image = 4 * by_name(f"{case}/input.image", shape)
        label = None
        if network.trained:
            label = torch.randint(params["classes"], (BATCH,), generator=generator)
            everything[f"{case}/input.label"] = label
        exact_module = deepcopy(module).double()
        exact = results(exact_module, named_tensors(exact_module, our_name), image.double(), label)
        single = results(module, named_tensors(module, our_name), image, label)
        worst = 0.0
        for name, value in exact.items():
            error = ((value - single[name]).abs().max() / value.abs().max()).item()
            assert error < ROUNDING, f"{network.name}, {case}: {name} loses {error:.1e} to rounding"
            worst = max(worst, error)
        everything |= {f"{case}/{name}": value.float() for name, value in exact.items()}
        cases[case] = {
            "params": params,
            "image": shape,
            "weights": count_weights(module),
            "tensors": len(shapes(module, our_name)),
        }
        largest = max(value.abs().max() for name, value in exact.items() if name.endswith(".eval"))
        print(f"  {case}: {count_weights(module)} weights, largest output {largest:.3g}, rounding {worst:.1e}")
    metadata = json.dumps({"cases": cases}, separators=(",", ":"))
    return {name: value.contiguous() for name, value in everything.items()}, {"fixture": metadata}


def main(wanted: list[str]) -> None:
    torch.set_num_threads(1)
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for network in networks():
        if wanted and network.name not in wanted:
            continue
        print(network.name)
        tensors, metadata = make(network)
        path = FIXTURES / f"{network.name}.safetensors"
        save_file(tensors, path, metadata=metadata)
        assert path.stat().st_size < SIZE_LIMIT, f"{path.stat().st_size:,} bytes"
        print(f"  {path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
