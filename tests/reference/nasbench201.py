"""NAS-Bench-201 in plain PyTorch, written from the paper: the second opinion on `spaces/nasbench201.nas`.

Source: Dong and Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020,
section 2.1 and figure 1. The network is a stem (3x3 convolution, batch-norm), three stages of `n` cells of width c, 2c
and 4c, a residual block of stride 2 between two stages, and a head (batch-norm, ReLU, global average pool, linear).
A cell has four nodes; an edge from every node to every later one; one of five operations on each edge.

One module serves both uses, as each edge keeps its own list of operations:

- a fixed architecture keeps one operation an edge, and the cell adds the edges up;
- the mixed supernet of DARTS (Liu et al., ICLR 2019, equation 2) and DrNAS (Chen et al., ICLR 2021) keeps all five,
  and an edge gives sum_i w_i * op_i(x).

Nothing here is shared with the compiler. `our_name` is the only place that knows how the compiler names weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

LABELS = ("none", "skip", "conv_1x1", "conv_3x3", "pool_3x3")
"""The candidate operations, in the order of the columns of a mixture."""

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""The edges (from, to) of a cell, in the order of the rows of a mixture."""

EDGE_NAMES = ("n1.edge", "n2.edge", "n2.edge#2", "edge", "edge#2", "edge#3")
"""What the compiler calls those edges inside the cell."""

DECISIONS = tuple(f"cell.{name}" for name in EDGE_NAMES)
"""The names of the six decisions, one an edge."""

Architecture = dict[str, str]
"""From the name of a decision to the label taken."""


class Zero(nn.Module):
    """No connection: zeros of the input's shape."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


class ReLUConvBN(nn.Module):
    """ReLU, convolution without bias that keeps the size (at stride 1), batch-norm: [N, I, H, W] to [N, out, H', W']."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(torch.relu(x)))


def operation(label: str, c: int) -> nn.Module:
    """The candidate operation `label` on `c` channels; all of them keep the shape [N, c, H, W]."""
    match label:
        case "none":
            return Zero()
        case "skip":
            return nn.Identity()
        case "conv_1x1":
            return ReLUConvBN(c, c, 1)
        case "conv_3x3":
            return ReLUConvBN(c, c, 3)
        case "pool_3x3":
            return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    raise ValueError(f"no operation is called {label!r}")


class Cell(nn.Module):
    """Four nodes, six edges; `labels[k]` are the operations kept on edge k."""

    def __init__(self, c: int, labels: list[tuple[str, ...]]) -> None:
        super().__init__()
        self.edges = nn.ModuleList(nn.ModuleDict({label: operation(label, c) for label in kept}) for kept in labels)

    def forward(self, x: Tensor, mixture: Tensor | None = None) -> Tensor:
        """`mixture` is [6, operations]; without it every edge has one operation, of weight 1."""
        nodes = [x]
        for node in range(1, 4):
            arriving = [
                self.edge(k, nodes[start], None if mixture is None else mixture[k])
                for k, (start, end) in enumerate(EDGES)
                if end == node
            ]
            nodes.append(total(arriving))
        return nodes[3]

    def edge(self, k: int, x: Tensor, weights: Tensor | None) -> Tensor:
        operations = self.edges[k].values()
        if weights is None:
            (only,) = operations
            return only(x)
        return total([op(x) * weight for op, weight in zip(operations, weights, strict=True)])


class ResNetBlock(nn.Module):
    """The block of stride 2 between two stages: [N, c, H, W] to [N, out, H / 2, W / 2]."""

    def __init__(self, c: int, out: int) -> None:
        super().__init__()
        self.first = ReLUConvBN(c, out, 3, stride=2)
        self.second = ReLUConvBN(out, out, 3)
        self.pool = nn.AvgPool2d(2, stride=2)
        self.side = nn.Conv2d(c, out, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x)) + self.side(self.pool(x))


class NasBench201(nn.Module):
    """The whole network: image [N, 3, size, size] to logits [N, classes].

    `arch` fixes one operation an edge; without it the network is the mixed supernet, whose `forward` takes a mixture
    [6, 5] (rows as `EDGES`, columns as `LABELS`) that all cells share.
    """

    def __init__(self, c: int = 16, n: int = 5, classes: int = 10, arch: Architecture | None = None) -> None:
        super().__init__()
        labels = [LABELS if arch is None else (arch[decision],) for decision in DECISIONS]
        widths = [c, 2 * c, 4 * c]
        self.stem = nn.Conv2d(3, c, 3, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(c)
        # There is no block in front of stage 0; its place keeps the index of a block the index of its stage.
        self.blocks = nn.ModuleList([nn.Identity(), *(ResNetBlock(width // 2, width) for width in widths[1:])])
        self.stages = nn.ModuleList(nn.ModuleList(Cell(width, labels) for _ in range(n)) for width in widths)
        self.head_norm = nn.BatchNorm2d(widths[-1])
        self.classifier = nn.Linear(widths[-1], classes)

    def forward(self, image: Tensor, mixture: Tensor | None = None) -> Tensor:
        x = self.stem_norm(self.stem(image))
        for block, stage in zip(self.blocks, self.stages, strict=True):
            x = block(x)
            for cell in stage:
                x = cell(x, mixture)
        x = torch.relu(self.head_norm(x))
        return self.classifier(x.mean(dim=(2, 3)))


def total(terms: list[Tensor]) -> Tensor:
    """The sum of at least one tensor, without the addition to 0 that `sum(terms)` would make."""
    return sum(terms[1:], start=terms[0])


# Names.

_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "var"}
_LINEAR = {"weight": "w", "bias": "b"}


def our_name(key: str) -> str:
    """The compiler's name of the weight or state that PyTorch's `state_dict` calls `key`.

    >>> our_name("stages.0.2.edges.5.conv_3x3.norm.weight")
    'stage[0].i[2].cell.edge#3.conv_3x3.relu_conv_bn.batch_norm.gamma'
    """

    def relu_conv_bn(part: str, leaf: str) -> str:
        return f"conv.{_LINEAR[leaf]}" if part == "conv" else f"batch_norm.{_NORM[leaf]}"

    match key.split("."):
        case ["stem", leaf]:
            return f"x.conv.{_LINEAR[leaf]}"
        case ["stem_norm", leaf]:
            return f"x.batch_norm.{_NORM[leaf]}"
        case ["blocks", stage, "side", leaf]:
            return f"stage[{stage}].resnet_block.conv.{_LINEAR[leaf]}"
        case ["blocks", stage, "first", part, leaf]:
            return f"stage[{stage}].resnet_block.main.relu_conv_bn.{relu_conv_bn(part, leaf)}"
        case ["blocks", stage, "second", part, leaf]:
            return f"stage[{stage}].resnet_block.main.relu_conv_bn#2.{relu_conv_bn(part, leaf)}"
        case ["stages", stage, i, "edges", edge, label, part, leaf]:
            prefix = f"stage[{stage}].i[{i}].cell.{EDGE_NAMES[int(edge)]}.{label}"
            return f"{prefix}.relu_conv_bn.{relu_conv_bn(part, leaf)}"
        case ["head_norm", leaf]:
            return f"logits.batch_norm.{_NORM[leaf]}"
        case ["classifier", leaf]:
            return f"logits.linear.{_LINEAR[leaf]}"
    raise ValueError(f"no part of the network is called {key!r}")


def named_weights(network: NasBench201) -> dict[str, nn.Parameter]:
    """Every trainable weight, by the compiler's name."""
    return {our_name(key): weight for key, weight in network.named_parameters()}


def named_states(network: NasBench201) -> dict[str, Tensor]:
    """Every running statistic, by the compiler's name. PyTorch's count of batches is not used and has no name."""
    return {our_name(key): state for key, state in network.named_buffers() if not key.endswith("num_batches_tracked")}


def count_weights(network: nn.Module) -> int:
    """The number of trainable scalars."""
    return sum(weight.numel() for weight in network.parameters())
