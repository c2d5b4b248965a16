"""TangleNAS' toy macro space in plain PyTorch, written from the paper: the second opinion on `spaces/conv_macro.nas`.

Source: Sukthanker et al., "Weight-Entanglement Meets Gradient-Based Neural Architecture Search", AutoML 2024, with its public
code: four convolutions whose width and kernel are chosen, a fifth of 7x7 with padding 2, four linear maps; ReLU behind all but
the fifth and the last, 2x2 pooling behind the second and third, dropout of whole channels behind the third and fifth.

Mixed, a convolution's weight depends on the width before it, its own width and its kernel, and its bias on its own width; the
network is then that of the largest sizes on superposed weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from blocks import leaf_name
from weights import Architecture, Extent, Mixture, superposed

CONVOLUTIONS = 4
KERNELS = [3, 5, 7]


def choices(c: int) -> dict[str, list[int]]:
    """The alternatives of every decision."""
    widths = {f"i[{i}].width": [c * 2 ** (i + k) for k in range(3)] for i in range(CONVOLUTIONS)}
    return widths | {f"i[{i}].kernel": KERNELS for i in range(CONVOLUTIONS)}


def largest(c: int) -> Architecture:
    """The architecture with the supernet's sizes."""
    return {decision: max(alternatives) for decision, alternatives in choices(c).items()}


class ConvMacro(nn.Module):
    """The network of one architecture, or the supernet's sizes: image [N, 3, size, size] to logits [N, classes]."""

    def __init__(
        self,
        c: int = 8,
        head: int = 256,
        classes: int = 10,
        size: int = 32,
        rate: float = 0.5,
        arch: Architecture | None = None,
    ) -> None:
        super().__init__()
        arch = largest(c) if arch is None else arch
        channels = 3
        self.convolutions = nn.ModuleList()
        for i in range(CONVOLUTIONS):
            width, kernel = arch[f"i[{i}].width"], arch[f"i[{i}].kernel"]
            self.convolutions.append(nn.Conv2d(channels, width, kernel, padding=kernel // 2))
            channels = width
        self.last = nn.Conv2d(channels, head, 7, padding=2)
        side = size // 4 - 2
        sizes = [head * side * side, head, head // 2, head // 4, classes]
        self.linears = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.dropout = nn.Dropout2d(rate)

    def forward(self, image: Tensor) -> Tensor:
        first, second, third, fourth = self.convolutions
        x = torch.relu(second(torch.relu(first(image))))
        x = F.max_pool2d(x, 2)
        x = self.dropout(torch.relu(third(x)))
        x = F.max_pool2d(x, 2)
        x = self.dropout(self.last(torch.relu(fourth(x)))).flatten(1)
        for linear in self.linears[:-1]:
            x = torch.relu(linear(x))
        return self.linears[-1](x)


def extents(network: ConvMacro) -> dict[str, Extent]:
    """The shape of every weight that depends on decisions, by PyTorch's name, as a function of their answers."""
    found = {
        "convolutions.0.weight": Extent(("i[0].width", "i[0].kernel"), lambda width, kernel: (width, 3, kernel, kernel)),
        "last.weight": Extent(("i[3].width",), lambda width: (network.last.out_channels, width, 7, 7)),
    }
    for i in range(1, CONVOLUTIONS):
        decisions = (f"i[{i - 1}].width", f"i[{i}].width", f"i[{i}].kernel")
        found[f"convolutions.{i}.weight"] = Extent(decisions, lambda before, width, kernel: (width, before, kernel, kernel))
    for i in range(CONVOLUTIONS):
        found[f"convolutions.{i}.bias"] = Extent((f"i[{i}].width",), lambda width: (width,))
    return found


def mixed(network: ConvMacro, c: int, image: Tensor, mixture: Mixture) -> Tensor:
    """The logits of the mixed supernet; `network` has the largest sizes."""
    weights = dict(network.named_parameters())
    for key, extent in extents(network).items():
        weights[key] = superposed(weights[key], extent, choices(c), mixture)
    return functional_call(network, weights, (image,))


# Names.


def our_name(network: ConvMacro, key: str) -> str:
    """The compiler's name of the weight that PyTorch's `state_dict` calls `key`."""
    match key.split("."):
        case ["convolutions", i, leaf]:
            return f"i[{i}].conv.{leaf_name('conv', leaf)}"
        case ["last", leaf]:
            return f"features.conv.{leaf_name('conv', leaf)}"
        case ["linears", "0", leaf]:
            return f"logits.linear.{leaf_name('linear', leaf)}"
        case ["linears", place, leaf]:
            return f"logits.linear#{int(place) + 1}.{leaf_name('linear', leaf)}"
    raise ValueError(f"no part of the network is called {key!r}")
