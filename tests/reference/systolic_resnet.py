"""The space of residual networks for systolic arrays in plain PyTorch: the second opinion on `spaces/systolic_resnet.nas`.

Source: the blocks are those of He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016; a stage's first
block has a 1x1 convolution beside it, whatever its widths are.

Mixed, every weight is superposed over the decisions its own shape depends on, batch-norm runs over the largest width, and what
leaves a stage is what is behind every possible last block, times the weights of the stage's depth.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from blocks import leaf_name
from resnet import ConvBN, conv_bn_name
from weights import Architecture, Extent, Mixture, superposed, total

STEMS = [3, 5, 7]
KERNELS = [3, 5]


def choices(c: int, stages: int, most: int) -> dict[str, list]:
    """The alternatives of every decision."""
    found: dict[str, list] = {"stem": STEMS}
    for stage in range(stages):
        unit = c * 2**stage
        found[f"stage[{stage}].width"] = [unit, 2 * unit, 3 * unit]
        found[f"stage[{stage}].i"] = list(range(1, most + 1))
        for i in range(most):
            found[f"stage[{stage}].i[{i}].inner"] = [unit, 2 * unit]
            found[f"stage[{stage}].i[{i}].kernel"] = KERNELS
    return found


def largest(c: int, stages: int, most: int) -> Architecture:
    """The architecture with the supernet's sizes."""
    return {decision: max(alternatives) for decision, alternatives in choices(c, stages, most).items()}


class Block(nn.Module):
    """Two convolutions, and beside those of a stage's first block a 1x1: [N, channels, H, W] to [N, width, H / stride, W / stride]."""

    def __init__(self, channels: int, width: int, inner: int, kernel: int, stride: int, first: bool) -> None:
        super().__init__()
        self.first = ConvBN(channels, inner, kernel, stride)
        self.second = ConvBN(inner, width, 3)
        self.side = ConvBN(channels, width, 1, stride) if first else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.second(torch.relu(self.first(x))) + self.side(x))


class SystolicResNet(nn.Module):
    """The network of one architecture, or the supernet's sizes: image [N, 3, size, size] to logits [N, classes]."""

    def __init__(
        self,
        c: int = 16,
        lanes: int = 16,
        stages: int = 3,
        most: int = 3,
        halvings: int = 0,
        classes: int = 10,
        size: int = 32,
        arch: Architecture | None = None,
    ) -> None:
        super().__init__()
        assert c % lanes == 0
        arch = largest(c, stages, most) if arch is None else arch
        self.stem = ConvBN(3, c, arch["stem"], 2 if halvings > 0 else 1)
        self.pools = halvings > 1
        self.stages = nn.ModuleList()
        channels = c
        for stage in range(stages):
            width = arch[f"stage[{stage}].width"]
            found = nn.ModuleList()
            for i in range(arch[f"stage[{stage}].i"]):
                inner, kernel = (arch[f"stage[{stage}].i[{i}].{decision}"] for decision in ("inner", "kernel"))
                found.append(Block(channels, width, inner, kernel, 2 if stage > 0 and i == 0 else 1, i == 0))
                channels = width
            self.stages.append(found)
        self.classifier = nn.Linear(channels, classes)

    def forward(self, image: Tensor, depths: list[Tensor] | None = None) -> Tensor:
        """`depths` are, a stage, the weights of its depths; without them all blocks that are there run."""
        x = torch.relu(self.stem(image))
        if self.pools:
            x = F.max_pool2d(x, 3, 2, padding=1)
        for number, stage in enumerate(self.stages):
            behind = []
            for block in stage:
                x = block(x)
                behind.append(x)
            if depths is not None:
                x = total([y * weight for y, weight in zip(behind, depths[number], strict=True)])
        return self.classifier(x.mean(dim=(2, 3)))


def extents(network: SystolicResNet) -> dict[str, Extent]:
    """The shape of every weight that depends on decisions, by PyTorch's name, as a function of their answers."""
    classes = network.classifier.out_features
    width_of = lambda stage: f"stage[{stage}].width"
    vector = lambda decision: Extent((decision,), lambda width: (width,))
    found = {
        "stem.conv.weight": Extent(("stem",), lambda kernel: (network.stem.conv.out_channels, 3, kernel, kernel)),
        "classifier.weight": Extent((width_of(len(network.stages) - 1),), lambda width: (classes, width)),
    }
    for stage, blocks in enumerate(network.stages):
        width = width_of(stage)
        for i, block in enumerate(blocks):
            key = f"stages.{stage}.{i}"
            inner, kernel = (f"stage[{stage}].i[{i}].{decision}" for decision in ("inner", "kernel"))
            first = Extent((width, inner, kernel), lambda width, inner, kernel: (inner, width, kernel, kernel))
            if i == 0 and stage > 0:
                before = width_of(stage - 1)
                first = Extent((before, inner, kernel), lambda before, inner, kernel: (inner, before, kernel, kernel))
                found[f"{key}.side.conv.weight"] = Extent((before, width), lambda before, width: (width, before, 1, 1))
            elif i == 0:
                fixed = network.stem.conv.out_channels
                first = Extent((inner, kernel), lambda inner, kernel, fixed=fixed: (inner, fixed, kernel, kernel))
                found[f"{key}.side.conv.weight"] = Extent((width,), lambda width, fixed=fixed: (width, fixed, 1, 1))
            found[f"{key}.first.conv.weight"] = first
            found[f"{key}.second.conv.weight"] = Extent((inner, width), lambda inner, width: (width, inner, 3, 3))
            for leaf in ("weight", "bias"):
                found[f"{key}.first.norm.{leaf}"] = vector(inner)
                found[f"{key}.second.norm.{leaf}"] = vector(width)
                if i == 0:
                    found[f"{key}.side.norm.{leaf}"] = vector(width)
    return found


def mixed(network: SystolicResNet, c: int, most: int, image: Tensor, mixture: Mixture) -> Tensor:
    """The logits of the mixed supernet; `network` has the largest sizes."""
    alternatives = choices(c, len(network.stages), most)
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    for key, extent in extents(network).items():
        tensors[key] = superposed(tensors[key], extent, alternatives, mixture)
    depths = [mixture[f"stage[{stage}].i"] for stage in range(len(network.stages))]
    return functional_call(network, tensors, (image, depths))


# Names.


def our_name(network: SystolicResNet, key: str) -> str:
    """The compiler's name of the weight or state that PyTorch's `state_dict` calls `key`."""
    ops = {"first": "block.conv_bn", "second": "block.conv_bn#2", "side": "side.conv_bn"}
    match key.split("."):
        case ["stem", part, leaf]:
            return f"x.conv_bn.{conv_bn_name(part, leaf)}"
        case ["stages", stage, i, op, part, leaf]:
            return f"stage[{stage}].i[{i}].{ops[op]}.{conv_bn_name(part, leaf)}"
        case ["classifier", leaf]:
            return f"logits.linear.{leaf_name('linear', leaf)}"
    raise ValueError(f"no part of the network is called {key!r}")
