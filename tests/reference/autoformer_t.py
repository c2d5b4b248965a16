"""AutoFormer-T in plain PyTorch, written from the paper: the second opinion on `spaces/autoformer_t.nas`.

Source: Chen et al., "AutoFormer: Searching Transformers for Visual Recognition", ICCV 2021, with its public code for what the
paper leaves open: norms in front of attention and feed-forward part and behind the last layer; heads of 64 channels whatever
their number; relative positions by rows and columns, clipped at 14, in scores and values; the mean over the patches, without
the class token, into the classifier. Queries, keys and values are three projections here, so that fewer heads are the first
heads of each.

Mixed, every weight is superposed over the decisions its own shape depends on, norms take their statistics over the whole
width, attention runs over the most heads, and the tokens behind the last layer are those behind every possible last layer,
times the weights of the depth.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from blocks import leaf_name
from weights import Architecture, Extent, Mixture, superposed, total

REACH = 14


def choices(unit: int, layers: int) -> dict[str, list]:
    """The alternatives of every decision."""
    found: dict[str, list] = {"embed": [8 * unit, 9 * unit, 10 * unit], "depth": [layers - 2, layers - 1, layers]}
    for i in range(layers):
        found[f"i[{i}].heads"] = [3, 4]
        found[f"i[{i}].ratio"] = [3.5, 4.0]
    return found


def largest(unit: int, layers: int) -> Architecture:
    """The architecture with the supernet's sizes."""
    return {decision: max(alternatives) for decision, alternatives in choices(unit, layers).items()}


class RelativePosition(nn.Module):
    """A vector for each pair of tokens, [T, T, width], of which the first token is no patch and the others are a square."""

    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.zeros(2 * REACH + 2, width))
        self.columns = nn.Parameter(torch.zeros(2 * REACH + 2, width))
        side = round((tokens - 1) ** 0.5)
        assert side * side == tokens - 1, "the patches are a square"
        # Row 0 of the tables is for pairs with the class token.
        between = torch.zeros(2, tokens, tokens, dtype=torch.long)
        for query in range(1, tokens):
            for key in range(1, tokens):
                for axis, place in enumerate((lambda token: (token - 1) // side, lambda token: (token - 1) % side)):
                    distance = max(-REACH, min(REACH, place(key) - place(query)))
                    between[axis, query, key] = distance + REACH + 1
        self.between = between

    def forward(self) -> Tensor:
        return self.rows[self.between[0]] + self.columns[self.between[1]]


class Attention(nn.Module):
    """Self-attention of `heads` heads of `width` channels on tokens [N, T, embed]."""

    def __init__(self, embed: int, heads: int, width: int, tokens: int) -> None:
        super().__init__()
        self.heads, self.width = heads, width
        self.query = nn.Linear(embed, heads * width)
        self.key = nn.Linear(embed, heads * width)
        self.value = nn.Linear(embed, heads * width)
        self.key_position = RelativePosition(tokens, width)
        self.value_position = RelativePosition(tokens, width)
        self.out = nn.Linear(heads * width, embed)

    def forward(self, x: Tensor) -> Tensor:
        records, tokens, _ = x.shape
        split = lambda y: y.reshape(records, tokens, self.heads, self.width).transpose(1, 2)
        query, key, value = split(self.query(x)), split(self.key(x)), split(self.value(x))
        scores = query @ key.transpose(2, 3)
        scores = scores + (query.unsqueeze(3) * self.key_position()).sum(dim=4)
        weights = torch.softmax(scores / self.width**0.5, dim=3)
        values = weights @ value
        values = values + (weights.unsqueeze(4) * self.value_position()).sum(dim=3)
        return self.out(values.transpose(1, 2).reshape(records, tokens, self.heads * self.width))


class Layer(nn.Module):
    """Attention and feed-forward part, each behind a norm and beside a path around it."""

    def __init__(self, embed: int, heads: int, width: int, hidden: int, tokens: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(embed)
        self.attention = Attention(embed, heads, width, tokens)
        self.norm2 = nn.LayerNorm(embed)
        self.widen = nn.Linear(embed, hidden)
        self.narrow = nn.Linear(hidden, embed)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.narrow(F.gelu(self.widen(self.norm2(x))))


class AutoFormer(nn.Module):
    """The network of one architecture, or the supernet's sizes: image [N, 3, size, size] to logits [N, classes]."""

    def __init__(
        self,
        size: int = 224,
        patch: int = 16,
        unit: int = 24,
        head: int = 64,
        layers: int = 14,
        classes: int = 1000,
        arch: Architecture | None = None,
    ) -> None:
        super().__init__()
        arch = largest(unit, layers) if arch is None else arch
        embed, depth = arch["embed"], arch["depth"]
        tokens = (size // patch) ** 2 + 1
        self.exits = [layers - 2, layers - 1, layers]
        self.patches = nn.Conv2d(3, embed, patch, stride=patch)
        self.token = nn.Parameter(torch.zeros(1, 1, embed))
        self.position = nn.Parameter(torch.zeros(1, tokens, embed))
        self.layers = nn.ModuleList(
            Layer(embed, arch[f"i[{i}].heads"], head, int(embed * arch[f"i[{i}].ratio"]), tokens) for i in range(depth)
        )
        self.norm = nn.LayerNorm(embed)
        self.classifier = nn.Linear(embed, classes)

    def forward(self, image: Tensor, depths: Tensor | None = None) -> Tensor:
        """`depths` are the weights of the three depths; without them all layers that are there run."""
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1) + self.position
        behind = []
        for layer in self.layers:
            x = layer(x)
            behind.append(x)
        if depths is not None:
            x = total([behind[depth - 1] * weight for depth, weight in zip(self.exits, depths, strict=True)])
        return self.classifier(self.norm(x)[:, 1:].mean(dim=1))


def extents(network: AutoFormer, head: int) -> dict[str, Extent]:
    """The shape of every weight that depends on decisions, by PyTorch's name, as a function of their answers."""
    classes, tokens = network.classifier.out_features, network.position.shape[1]
    patch = network.patches.kernel_size
    width = Extent(("embed",), lambda embed: (embed,))
    found = {
        "patches.weight": Extent(("embed",), lambda embed: (embed, 3, *patch)),
        "patches.bias": width,
        "token": Extent(("embed",), lambda embed: (1, 1, embed)),
        "position": Extent(("embed",), lambda embed: (1, tokens, embed)),
        "norm.weight": width,
        "norm.bias": width,
        "classifier.weight": Extent(("embed",), lambda embed: (classes, embed)),
    }
    for i in range(len(network.layers)):
        heads, ratio = f"i[{i}].heads", f"i[{i}].ratio"
        for norm in ("norm1", "norm2"):
            found |= {f"layers.{i}.{norm}.{leaf}": width for leaf in ("weight", "bias")}
        for projection in ("query", "key", "value"):
            weight = Extent((heads, "embed"), lambda heads, embed: (heads * head, embed))
            found[f"layers.{i}.attention.{projection}.weight"] = weight
            found[f"layers.{i}.attention.{projection}.bias"] = Extent((heads,), lambda heads: (heads * head,))
        out = Extent((heads, "embed"), lambda heads, embed: (embed, heads * head))
        found[f"layers.{i}.attention.out.weight"] = out
        found[f"layers.{i}.attention.out.bias"] = width
        # The width sizes both dimensions of these two, and counts once.
        found[f"layers.{i}.widen.weight"] = Extent(("embed", ratio), lambda embed, ratio: (int(embed * ratio), embed))
        found[f"layers.{i}.widen.bias"] = Extent(("embed", ratio), lambda embed, ratio: (int(embed * ratio),))
        found[f"layers.{i}.narrow.weight"] = Extent(("embed", ratio), lambda embed, ratio: (embed, int(embed * ratio)))
        found[f"layers.{i}.narrow.bias"] = width
    return found


def mixed(network: AutoFormer, unit: int, head: int, image: Tensor, mixture: Mixture) -> Tensor:
    """The logits of the mixed supernet; `network` has the largest sizes."""
    alternatives = choices(unit, len(network.layers))
    weights = dict(network.named_parameters())
    for key, extent in extents(network, head).items():
        weights[key] = superposed(weights[key], extent, alternatives, mixture)
    return functional_call(network, weights, (image, mixture["depth"]))


# Names.


def our_name(network: AutoFormer, key: str) -> str:
    """The compiler's name of the weight that PyTorch's `state_dict` calls `key`."""
    projections = {"query": "q.linear", "key": "k.linear", "value": "v.linear", "out": "linear"}
    tables = {"key_position": "relative_position_2d", "value_position": "relative_position_2d#2"}
    norms = {"norm1": "layer_norm", "norm2": "layer_norm#2"}
    maps = {"widen": "mlp.linear", "narrow": "mlp.linear#2"}
    match key.split("."):
        case ["patches", leaf]:
            return f"x.patch_embed.conv.{leaf_name('conv', leaf)}"
        case ["token"]:
            return "x.class_token.token.param"
        case ["position"]:
            return "x.position.param"
        case ["layers", i, norm, leaf] if norm in norms:
            return f"i[{i}].{norms[norm]}.{leaf_name('norm', leaf)}"
        case ["layers", i, "attention", part, leaf] if part in projections:
            return f"i[{i}].self_attention.{projections[part]}.{leaf_name('linear', leaf)}"
        case ["layers", i, "attention", part, table]:
            return f"i[{i}].self_attention.{tables[part]}.{table}"
        case ["layers", i, part, leaf]:
            return f"i[{i}].{maps[part]}.{leaf_name('linear', leaf)}"
        case ["norm", leaf]:
            return f"tokens.layer_norm.{leaf_name('norm', leaf)}"
        case ["classifier", leaf]:
            return f"logits.linear.{leaf_name('linear', leaf)}"
    raise ValueError(f"no part of the network is called {key!r}")
