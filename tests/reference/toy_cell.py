"""TangleNAS' toy cell space in plain PyTorch, written from the paper: the second opinion on `spaces/toy_cell.nas`.

Source: Sukthanker et al., "Weight-Entanglement Meets Gradient-Based Neural Architecture Search", AutoML 2024, with its public
code. Three cells (reduction, normal, reduction of twice the width), 2x2 pooling, two linear maps. A cell: 1x1 convolution, two
nodes, an edge from the input to each and one from the first to the second; its value is both nodes side by side.

An edge is one of four operations, two of a kind; the 3x3 kernels of a kind are the centres of its 5x5 kernels, and all else
that the two have is common. Mixed, an edge has one simplex over the four, and each kind is *one* operation, whose depthwise
kernels are the sum of the padded kernels times their weights.

The weights of a kind go into its kernels as they are, and its output is added without a further factor: so it is in the
public code. (A mix of two operations would count the output as often as the kind weighs, and not the kernels; with batch-norm
behind them the two differ.)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blocks import DilConv, ReLUConvBN, SepConv, block_name, leaf_name
from weights import Architecture, Mixture, total

LABELS = ("sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5")
"""The candidate operations, in the order of a mixture."""

KINDS = ("sep", "dil")
"""The two operations that share a tensor each."""

EDGES = ((0, 1), (0, 2), (1, 2))
"""The edges (from, to) of a cell."""

EDGE_NAMES = ("n1.edge", "n2.edge", "n2.edge#2")
"""What the compiler calls them inside the cell."""

DECISIONS = tuple(f"{cell}.{edge}" for cell in ("reduce", "normal") for edge in EDGE_NAMES)
"""The names of the six decisions; both reduction cells share theirs."""

CELLS = ("reduce", "normal", "reduce#2")
"""What the compiler calls the three cells where weights are named."""

CHOICES = {decision: list(LABELS) for decision in DECISIONS}


def operation(kind: str, c: int, kernel: int, stride: int) -> nn.Module:
    """The separable or dilated convolution on `c` channels."""
    return {"sep": SepConv, "dil": DilConv}[kind](c, kernel, stride, affine=False)


class Cell(nn.Module):
    """`kept` are, for each edge, the kinds of operation it has and their kernels."""

    def __init__(self, channels: int, c: int, stride: int, kept: list[dict[str, int]]) -> None:
        super().__init__()
        self.start = ReLUConvBN(channels, c, affine=False)
        self.edges = nn.ModuleList(
            nn.ModuleDict({kind: operation(kind, c, kernel, stride if start == 0 else 1) for kind, kernel in kinds.items()})
            for (start, _), kinds in zip(EDGES, kept, strict=True)
        )

    def forward(self, x: Tensor, weights: list[Tensor] | None) -> Tensor:
        """`weights` has the four weights of each edge."""
        nodes = [self.start(x)]
        for node in (1, 2):
            arriving = [
                mixed(self.edges[edge], nodes[start], None if weights is None else weights[edge])
                for edge, (start, end) in enumerate(EDGES)
                if end == node
            ]
            nodes.append(total(arriving))
        return torch.cat(nodes[1:], dim=1)


def mixed(kinds: nn.ModuleDict, x: Tensor, weights: Tensor | None) -> Tensor:
    """The one operation of an edge, or both kinds with superposed kernels."""
    if weights is None:
        (only,) = kinds.values()
        return only(x)
    pairs = zip(KINDS, (weights[:2], weights[2:]), strict=True)
    return total([kinds[kind](x, {3: small, 5: large}) for kind, (small, large) in pairs])


class ToyCell(nn.Module):
    """The whole network: image [N, 1, size, size] to logits [N, classes].

    Without `arch` it is the supernet, whose `forward` takes four weights for each decision.
    """

    def __init__(
        self, c: int = 32, classes: int = 10, size: int = 28, rate: float = 0.2, arch: Architecture | None = None
    ) -> None:
        super().__init__()
        kept = lambda cell: [kinds_of(None if arch is None else arch[f"{cell}.{edge}"]) for edge in EDGE_NAMES]
        self.cells = nn.ModuleList([
            Cell(1, c, 2, kept("reduce")),
            Cell(2 * c, c, 1, kept("normal")),
            Cell(2 * c, 2 * c, 2, kept("reduce")),
        ])
        self.dropout = nn.Dropout(rate)
        side = size // 4 // 2
        self.projection = nn.Linear(4 * c * side * side, 4 * c)
        self.classifier = nn.Linear(4 * c, classes)

    def forward(self, image: Tensor, mixture: Mixture | None = None) -> Tensor:
        x = image
        for cell, name in zip(self.cells, ("reduce", "normal", "reduce"), strict=True):
            weights = None if mixture is None else [mixture[f"{name}.{edge}"] for edge in EDGE_NAMES]
            x = self.dropout(cell(x, weights))
        x = F.max_pool2d(x, 2).flatten(1)
        return self.classifier(self.dropout(torch.relu(self.projection(x))))


def kinds_of(label: str | None) -> dict[str, int]:
    """The kinds of operation and their kernels: one of a label, both of the supernet."""
    if label is None:
        return dict.fromkeys(KINDS, 5)
    return {label[:3]: int(label[-1])}


# Names.


def our_name(network: ToyCell, key: str) -> str:
    """The compiler's name of the weight or statistic that PyTorch's `state_dict` calls `key`."""
    match key.split("."):
        case ["cells", cell, "start", part, leaf]:
            return f"{CELLS[int(cell)]}.start.relu_conv_bn.{block_name('relu_conv_bn', part, leaf)}"
        case ["cells", cell, "edges", edge, kind, part, leaf]:
            return f"{CELLS[int(cell)]}.{EDGE_NAMES[int(edge)]}.{kind}.{block_name(kind + '_conv', part, leaf)}"
        case ["projection", leaf]:
            return f"features.linear.{leaf_name('projection', leaf)}"
        case ["classifier", leaf]:
            return f"logits.linear.{leaf_name('classifier', leaf)}"
    raise ValueError(f"no part of the network is called {key!r}")
