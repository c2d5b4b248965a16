"""DARTS in plain PyTorch, written from the paper: the second opinion on `spaces/darts.nas`.

Source: Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, sections 2.1 and 3.1, with its public
code for what the paper leaves open: the stem has three times the channels; cells at a third and at two thirds of the depth
reduce; a cell's inputs go through a 1x1 convolution, or through a factorised reduction behind a reduction cell; what the
searched network pools is normalised, without weights, and what the trained network pools is not.

One module serves both uses. Every edge keeps a list of operations: one on each of the eight edges that an architecture takes,
all eight on all fourteen edges of the supernet, whose nodes are then the sum of everything that comes to them.

`python tests/reference/darts.py` counts the weights of both, against the published numbers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from blocks import DilConv, FactorizedReduce, Pool, ReLUConvBN, SepConv, block_name, leaf_name
from weights import Architecture, count_weights, total

LABELS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""The candidate operations, in the order of a mixture. `none` is never part of an architecture."""

NODES = 4
EDGES = tuple((node, start) for node in range(NODES) for start in range(node + 2))
"""The edges of a cell: to which of its nodes, and from which of the two inputs and the nodes before it."""

Genotype = dict[str, list[tuple[str, int]]]
"""For `normal` and `reduce`: operation and start of eight edges, two a node, as papers give a pair of cells."""

# The cells that the authors found by second-order search on CIFAR-10 (paper: figures 4 and 5; public code: DARTS_V2).
DARTS_V2: Genotype = {
    "normal": [
        ("sep_conv_3x3", 0),
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 0),
        ("sep_conv_3x3", 1),
        ("sep_conv_3x3", 1),
        ("skip_connect", 0),
        ("skip_connect", 0),
        ("dil_conv_3x3", 2),
    ],
    "reduce": [
        ("max_pool_3x3", 0),
        ("max_pool_3x3", 1),
        ("skip_connect", 2),
        ("max_pool_3x3", 1),
        ("max_pool_3x3", 0),
        ("skip_connect", 2),
        ("skip_connect", 2),
        ("max_pool_3x3", 1),
    ],
}


def architecture(genotype: Genotype) -> Architecture:
    """The same cells as the compiler names their decisions: which edges come to a node, and what each of them is."""
    answers: Architecture = {}
    for kind, edges in genotype.items():
        for node in range(NODES):
            taken = sorted(edges[2 * node : 2 * node + 2], key=lambda edge: edge[1])
            answers[f"{kind}.i[{node}]"] = [start for _, start in taken]
            for label, start in taken:
                answers[f"{kind}.i[{node}].j[{start}].edge"] = label
    return answers


class Zero(nn.Module):
    """No connection: zeros in the shape of what a connection with that stride gives."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x[:, :, :: self.stride, :: self.stride])


def operation(label: str, c: int, stride: int, affine: bool) -> nn.Module:
    """The candidate operation `label` on `c` channels."""
    match label:
        case "none":
            return Zero(stride)
        case "max_pool_3x3":
            return Pool(nn.MaxPool2d(3, stride=stride, padding=1), c, normalised=not affine)
        case "avg_pool_3x3":
            return Pool(nn.AvgPool2d(3, stride=stride, padding=1, count_include_pad=False), c, normalised=not affine)
        case "skip_connect":
            return nn.Identity() if stride == 1 else FactorizedReduce(c, c, affine)
        case "sep_conv_3x3" | "sep_conv_5x5":
            return SepConv(c, int(label[-1]), stride, affine)
        case "dil_conv_3x3" | "dil_conv_5x5":
            return DilConv(c, int(label[-1]), stride, affine)
    raise ValueError(f"no operation is called {label!r}")


class Cell(nn.Module):
    """`edges` are the operations kept on each edge (node, start) that is there; `older` and `newer` are channel counts."""

    def __init__(
        self,
        kind: str,
        edges: dict[tuple[int, int], tuple[str, ...]],
        older: int,
        newer: int,
        c: int,
        older_is_larger: bool,
        affine: bool,
    ) -> None:
        super().__init__()
        self.kind = kind
        self.first = (FactorizedReduce if older_is_larger else ReLUConvBN)(older, c, affine)
        self.second = ReLUConvBN(newer, c, affine)
        self.edges = nn.ModuleDict()
        for (node, start), labels in edges.items():
            stride = 2 if kind == "reduce" and start < 2 else 1
            kept = {label: operation(label, c, stride, affine) for label in labels}
            self.edges[f"{node}_{start}"] = nn.ModuleDict(kept)

    def forward(self, older: Tensor, newer: Tensor, mixture: Tensor | None) -> Tensor:
        states = [self.first(older), self.second(newer)]
        for node in range(NODES):
            arriving = []
            for row, (end, start) in enumerate(EDGES):
                if end == node and f"{node}_{start}" in self.edges:
                    operations = self.edges[f"{node}_{start}"].values()
                    if mixture is None:
                        (only,) = operations
                        arriving.append(only(states[start]))
                    else:
                        mixed = [op(states[start]) * weight for op, weight in zip(operations, mixture[row], strict=True)]
                        arriving.append(total(mixed))
            states.append(total(arriving))
        return torch.cat(states[2:], dim=1)


class Darts(nn.Module):
    """The whole network: image [N, 3, size, size] to logits [N, classes].

    Without `arch` it is the supernet, whose `forward` takes a mixture [14, 8] (rows as `EDGES`, columns as `LABELS`) for each
    kind of cell.
    """

    def __init__(
        self, c: int = 16, layers: int = 8, classes: int = 10, affine: bool = False, arch: Architecture | None = None
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 3 * c, 3, padding=1, bias=False)
        self.stem_norm = nn.BatchNorm2d(3 * c)
        self.cells = nn.ModuleList()
        older, newer, older_is_larger = 3 * c, 3 * c, False
        for layer in range(layers):
            reduce = layer in (layers // 3, 2 * layers // 3)
            if reduce:
                c *= 2
            kind = "reduce" if reduce else "normal"
            self.cells.append(Cell(kind, kept_edges(kind, arch), older, newer, c, older_is_larger, affine))
            older, newer, older_is_larger = newer, NODES * c, reduce
        self.classifier = nn.Linear(newer, classes)

    def forward(self, image: Tensor, mixture: dict[str, Tensor] | None = None) -> Tensor:
        older = newer = self.stem_norm(self.stem(image))
        for cell in self.cells:
            older, newer = newer, cell(older, newer, None if mixture is None else mixture[cell.kind])
        return self.classifier(newer.mean(dim=(2, 3)))


def kept_edges(kind: str, arch: Architecture | None) -> dict[tuple[int, int], tuple[str, ...]]:
    """The operations on each edge that a cell of that kind has."""
    if arch is None:
        return dict.fromkeys(EDGES, LABELS)
    taken = [(node, start) for node in range(NODES) for start in arch[f"{kind}.i[{node}]"]]
    return {(node, start): (arch[f"{kind}.i[{node}].j[{start}].edge"],) for node, start in taken}


# Names.


def our_name(network: Darts, key: str) -> str:
    """The compiler's name of the weight or statistic that PyTorch's `state_dict` calls `key`."""
    match key.split("."):
        case ["stem", leaf]:
            return f"stem.conv.{leaf_name('stem', leaf)}"
        case ["stem_norm", leaf]:
            return f"stem.batch_norm.{leaf_name('norm', leaf)}"
        case ["classifier", leaf]:
            return f"logits.linear.{leaf_name('classifier', leaf)}"
        case ["cells", layer, "first" | "second" as place, part, leaf]:
            module = network.cells[int(layer)].get_submodule(place)
            block = "factorized_reduce" if isinstance(module, FactorizedReduce) else "relu_conv_bn"
            return f"i[{layer}].{place}.{block}.{block_name(block, part, leaf)}"
        case ["cells", layer, "edges", edge, label, part, leaf]:
            kind = network.cells[int(layer)].kind
            node, start = edge.split("_")
            block = BLOCKS[label]
            return f"i[{layer}].next.{kind}.i[{node}].j[{start}].edge.{label}.{block}.{block_name(block, part, leaf)}"
    raise ValueError(f"no part of the network is called {key!r}")


BLOCKS = {
    "max_pool_3x3": "norm_in_search",
    "avg_pool_3x3": "norm_in_search",
    "skip_connect": "factorized_reduce",
    "sep_conv_3x3": "sep_conv",
    "sep_conv_5x5": "sep_conv",
    "dil_conv_3x3": "dil_conv",
    "dil_conv_5x5": "dil_conv",
}
"""The op that holds an operation's weights and statistics, if it has any."""

SUPERNET_WEIGHTS = 1_930_618
"""Trainable weights of the network that is searched, at C=16 and 8 cells."""

DARTS_V2_WEIGHTS = 3_349_342
"""Trainable weights of the authors' second-order cells at C=36 and 20 cells, without the auxiliary head."""


def check_counts() -> None:
    """Holds the two networks against the published numbers of weights."""
    assert count_weights(Darts()) == SUPERNET_WEIGHTS
    found = Darts(c=36, layers=20, affine=True, arch=architecture(DARTS_V2))
    assert count_weights(found) == DARTS_V2_WEIGHTS


if __name__ == "__main__":
    check_counts()
    print(f"supernet {SUPERNET_WEIGHTS:,} weights, DARTS_V2 {DARTS_V2_WEIGHTS:,}")
