"""Weights that follow from their names, and slices of them: what the references of the larger spaces share.

A fixture of NAS-Bench-201 holds every weight. Those of the larger spaces would be megabytes, so their weights are a function
of the compiler's name and the supernet's shape instead ([`by_name`], a few lines of integer arithmetic that any language can
repeat exactly), and the network of one architecture has slices of them ([`slice_of`]).

The other half is entanglement by its definition, as slowly as it reads: a weight whose extents depend on decisions is, in a
mixed supernet, the sum over all combinations of their alternatives of the padded slice, times the product of the
alternatives' weights, every decision once ([`superposed`]). Source: Sukthanker et al., "Weight-Entanglement Meets
Gradient-Based Neural Architecture Search", AutoML 2024.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

Answer = int | float | str | list[int]
"""What is taken of a decision: a number, a label, or the places of a selection."""

Architecture = dict[str, Answer]
"""From the name of a decision to its answer."""

Mixture = dict[str, Tensor]
"""From the name of a decision to the weights of its alternatives, in their order."""


def draws(name: str, count: int) -> np.ndarray:
    """Numbers in [0, 1), multiples of 2^-24: the name's FNV-1a hash is the seed of a splitmix64 sequence."""
    mask = 0xFFFF_FFFF_FFFF_FFFF
    seed = 0xCBF2_9CE4_8422_2325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100_0000_01B3) & mask
    # Unsigned arithmetic of 64 bits, which wraps around.
    state = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    state ^= state >> np.uint64(31)
    return (state >> np.uint64(40)).astype(np.float64) / 2**24


def by_name(name: str, shape: Sequence[int]) -> Tensor:
    """The weight or statistic of that name, float32: of a sensible scale, no two alike, unlike those of a fresh network."""
    count = math.prod(shape)
    match name.rsplit(".", 1)[-1]:
        case "gamma" | "var":
            low, high = 0.5, 1.5
        case "w":
            # He's variance, 2 / fan-in, of a uniform distribution.
            high = math.sqrt(6.0 / (count // shape[0]))
            low = -high
        case _:
            low, high = -0.35, 0.35
    return torch.from_numpy((low + (high - low) * draws(name, count)).astype(np.float32)).reshape(tuple(shape))


# Slices.


def place(full: Sequence[int], part: Sequence[int]) -> tuple[slice, ...]:
    """Where the slice of shape `part` lies in a tensor of shape `full`.

    The last two of four dimensions are a kernel's, and the slice is their centre; of all others it is the front.
    """
    found = []
    for axis, (whole, size) in enumerate(zip(full, part, strict=True)):
        start = (whole - size) // 2 if len(full) == 4 and axis >= 2 else 0
        found.append(slice(start, start + size))
    return tuple(found)


def slice_of(weight: Tensor, shape: Sequence[int]) -> Tensor:
    """The slice of that shape."""
    return weight[place(weight.shape, shape)]


@dataclass
class Extent:
    """The shape of a weight, as a function of the decisions it depends on."""

    decisions: tuple[str, ...]
    shape: Callable[..., tuple[int, ...]]


def superposed(weight: Tensor, extent: Extent, choices: dict[str, Sequence], mixture: Mixture) -> Tensor:
    """The expectation of the padded slice: the sum over every combination of the alternatives that `choices` lists."""
    assert len(set(extent.decisions)) == len(extent.decisions), "every decision counts once"
    total = torch.zeros_like(weight)
    for answers in itertools.product(*(range(len(choices[decision])) for decision in extent.decisions)):
        probability = torch.ones((), dtype=weight.dtype)
        for decision, answer in zip(extent.decisions, answers, strict=True):
            probability = probability * mixture[decision][answer]
        values = [choices[decision][answer] for decision, answer in zip(extent.decisions, answers, strict=True)]
        where = place(weight.shape, extent.shape(*values))
        padded = torch.zeros_like(weight)
        padded[where] = weight[where]
        total = total + probability * padded
    return total


# Networks.


def named_tensors(network: nn.Module, our_name: Callable[[str], str]) -> dict[str, Tensor]:
    """Every weight and statistic by the compiler's name. PyTorch's counts of batches are not used and have none."""
    state = network.state_dict(keep_vars=True)
    named = {our_name(key): tensor for key, tensor in state.items() if not key.endswith("num_batches_tracked")}
    assert len(named) == sum(not key.endswith("num_batches_tracked") for key in state), "two tensors have one name"
    return named


def fill(network: nn.Module, our_name: Callable[[str], str], supernet: dict[str, tuple[int, ...]]) -> None:
    """Gives the network the weights of its names, sliced out of those of the supernet's shapes."""
    with torch.no_grad():
        for name, tensor in named_tensors(network, our_name).items():
            tensor.copy_(slice_of(by_name(name, supernet[name]), tensor.shape))


def shapes(network: nn.Module, our_name: Callable[[str], str]) -> dict[str, tuple[int, ...]]:
    """The shape of every weight and statistic, by the compiler's name."""
    return {name: tuple(tensor.shape) for name, tensor in named_tensors(network, our_name).items()}


def count_weights(network: nn.Module) -> int:
    """The number of trainable scalars."""
    return sum(weight.numel() for weight in network.parameters())


def total(terms: list[Tensor]) -> Tensor:
    """The sum of at least one tensor, without the addition to 0 that `sum(terms)` would make."""
    return sum(terms[1:], start=terms[0])
