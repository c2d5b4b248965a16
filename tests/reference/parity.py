"""TangleNAS' own checks of superposed operations, as numbers for a test of ours: writes `fixtures/parity.json`.

    python tests/reference/parity.py

The authors' code ends its files of operations with commented examples: weights and inputs of ones, and weights of the choices
under which each output can be worked out by hand. Here each is a weight tensor of ones and a bias of ones, the choices that
its extents depend on, and the row sums that follow: for every output, the sum of the superposed weight plus the superposed
bias, which is the output for an input of ones. They are computed by the definition (`weights.py`) and held against the numbers
worked out by hand.
Source: Sukthanker et al., "Weight-Entanglement Meets Gradient-Based Neural Architecture Search", AutoML 2024, public code.

Entries: `weight`, the shape of the largest weight; `decisions`, for each its alternatives and their weights; `extents` and
`bias`, for each dimension what its size is: a number, the name of a decision, or a multiple such as `3*embed`; `row_sums`. The
sums of the part of a kernel that meets a picture's corner are `corner`. `chosen` is output 0 where every decision takes the
alternative of the largest weight, as a hard sample does.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from weights import Extent, Mixture, superposed

FIXTURE = Path(__file__).parent / "fixtures" / "parity.json"


def mixture(**weights: list[float]) -> Mixture:
    return {name: torch.tensor(values, dtype=torch.float64) for name, values in weights.items()}


def ones(*shape: int) -> Tensor:
    return torch.ones(shape, dtype=torch.float64)


def row_sums(weight: Tensor, bias: Tensor) -> list[float]:
    return [round(value, 9) for value in (weight.flatten(1).sum(dim=1) + bias).tolist()]


def convolution() -> dict:
    """7x7, three channels in; width and kernel are chosen."""
    choices = {"width": [1, 2, 3], "kernel": [3, 5, 7]}
    weights = mixture(width=[0.7, 0.2, 0.1], kernel=[0.2, 0.7, 0.1])
    extent = Extent(("width", "kernel"), lambda width, kernel: (width, 3, kernel, kernel))
    weight = superposed(ones(3, 3, 7, 7), extent, choices, weights)
    bias = superposed(ones(3), Extent(("width",), lambda width: (width,)), choices, weights)
    outputs = F.conv2d(ones(1, 3, 8, 8), weight, bias, padding=3)[0]
    torch.testing.assert_close(outputs[:, 3, 3], torch.tensor([73.6, 22.08, 7.36], dtype=torch.float64))
    torch.testing.assert_close(outputs[0, 0, 0].item(), 27.1)
    corner = row_sums(weight[:, :, 3:, 3:], bias)
    # The largest weights are those of width 1 and kernel 5.
    chosen = 3 * 5 * 5 + 1
    # The authors multiply it by these weights.
    torch.testing.assert_close(chosen * 0.7 * 0.7, 37.24)
    return {
        "name": "convolution",
        "weight": [3, 3, 7, 7],
        "decisions": decisions(choices, weights),
        "extents": ["width", 3, "kernel", "kernel"],
        "bias": "width",
        "row_sums": row_sums(weight, bias),
        "corner": corner,
        "chosen": chosen,
    }


def classifier() -> dict:
    """A linear map to ten classes; the width of its input is chosen, its bias is not."""
    choices = {"embed": [6, 8, 10]}
    weights = mixture(embed=[0.2, 0.7, 0.1])
    weight = superposed(ones(10, 10), Extent(("embed",), lambda embed: (10, embed)), choices, weights)
    sums = row_sums(weight, ones(10))
    torch.testing.assert_close(sums, [8.8] * 10)
    return {
        "name": "classifier",
        "weight": [10, 10],
        "decisions": decisions(choices, weights),
        "extents": [10, "embed"],
        "bias": 10,
        "row_sums": sums,
        "chosen": 9,
    }


def projection() -> dict:
    """Queries, keys and values in one linear map: one decision sizes both of its dimensions, and counts once."""
    choices = {"embed": [10, 20, 30]}
    weights = mixture(embed=[0.1, 0.7, 0.2])
    weight = superposed(ones(90, 30), Extent(("embed",), lambda embed: (3 * embed, embed)), choices, weights)
    bias = superposed(ones(90), Extent(("embed",), lambda embed: (3 * embed,)), choices, weights)
    sums = row_sums(weight, bias)
    torch.testing.assert_close(sums, [22.0] * 30 + [20.9] * 30 + [6.2] * 30)
    return {
        "name": "projection",
        "weight": [90, 30],
        "decisions": decisions(choices, weights),
        "extents": ["3*embed", "embed"],
        "bias": "3*embed",
        "row_sums": sums,
        "chosen": 21,
    }


def decisions(choices: dict[str, list[int]], weights: Mixture) -> dict:
    return {name: {"alternatives": choices[name], "weights": weights[name].tolist()} for name in choices}


def main() -> None:
    vectors = [convolution(), classifier(), projection()]
    FIXTURE.write_text("[\n" + ",\n".join(json.dumps(vector) for vector in vectors) + "\n]\n")


if __name__ == "__main__":
    main()
