"""Writes `fixtures/{darts,toy_cell,conv_macro,autoformer_t,systolic_resnet}.safetensors`: what small networks of these spaces compute.

    python tests/reference/make_spaces.py [SPACE...]

needs torch, numpy and safetensors (`requirements.txt`), takes a few seconds, and gives the same files on every run.

A fixture has several cases: five architectures, and the mixed supernet. Weights and statistics are not in
it: they follow from their names (`weights.py`), in the supernet's shapes, of which an architecture has slices. It holds, as
float32 (labels: int64), with `CASE` in front of what belongs to a case, N = 3:

    input.image, input.label      one batch for all cases
    CASE/mixture.DECISION         of mixed supernets: the weights of the alternatives, in their order
    CASE/logits.eval              batch-norm takes the running statistics
    CASE/logits.train             batch-norm takes the batch's statistics; dropout is switched off by a parameter
    CASE/loss.train               mean cross entropy of logits.train
    CASE/grad.NAME                gradients of loss.train for some weights, and as `grad.mixture.DECISION` for the mixture
    CASE/state_after.NAME         some running statistics after the one forward in training mode

and, as JSON in the metadata's one entry `fixture` (several would be written in a random order), `shapes` (of every tensor of the
supernet that a case uses, by the compiler's names) and `cases`: by name, in order, `params` (the space's parameters), `arch`
(answers by decision; null: mixed), `weights` (how many trainable scalars), `tensors` (how many weights and statistics).

Results are computed in float64 from the float32 weights and then rounded; that PyTorch's own float32 stays well within the
tests' tolerance is asserted here.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

import autoformer_t
import conv_macro
import darts
import systolic_resnet
import toy_cell
from weights import Architecture, Mixture, count_weights, fill, named_tensors, shapes

FIXTURES = Path(__file__).parent / "fixtures"
BATCH = 3
CLASSES = 10

SIZE_LIMIT = 200_000
"""Bytes that a space's fixture may take."""

ROUNDING = 3e-6
"""How far PyTorch's float32 results may be from its float64 ones, as a part of the largest: the tests compare to 1e-5."""

Params = dict[str, int | float | bool]


@dataclass
class Case:
    """One network; without an architecture it is the mixed supernet, which is run by `mixed`."""

    name: str
    params: Params
    arch: Architecture | None
    mixed: Callable[[nn.Module, Tensor, Mixture], Tensor] | None = None


@dataclass
class Space:
    """What this program needs to know of a space. `build` makes an architecture's network, or the supernet's."""

    name: str
    build: Callable[[Params, Architecture | None], nn.Module]
    our_name: Callable[[nn.Module, str], str]
    choices: dict[str, int]
    """How many alternatives each mixed decision has."""
    image: tuple[int, int]
    """Channels and size of a picture."""
    cases: list[Case]


def picked(choices: dict[str, list], seed: int) -> Architecture:
    """An answer to each decision."""
    generator = random.Random(seed)
    return {decision: generator.choice(alternatives) for decision, alternatives in choices.items()}


# The spaces.


def darts_space() -> Space:
    params: Params = {"c": 2, "layers": 3, "classes": CLASSES, "size": 12, "affine": False}

    def genotype(seed: int) -> Architecture:
        """A random pair of cells in which each of the seven operations is taken."""
        generator = random.Random(seed)
        found: darts.Genotype = {}
        for kind in ("normal", "reduce"):
            labels = list(darts.LABELS[1:]) + [generator.choice(darts.LABELS[1:])]
            generator.shuffle(labels)
            starts = [start for node in range(darts.NODES) for start in sorted(generator.sample(range(node + 2), 2))]
            found[kind] = list(zip(labels, starts, strict=True))
        return darts.architecture(found)

    def constant(label: str) -> Architecture:
        edges = [(label, start) for node in range(darts.NODES) for start in (node, node + 1)]
        return darts.architecture({"normal": edges, "reduce": edges})

    edge = lambda kind, node, start: f"{kind}.i[{node}].j[{start}].edge"

    def mixed(network: nn.Module, image: Tensor, mixture: Mixture) -> Tensor:
        rows = lambda kind: torch.stack([mixture[edge(kind, node, start)] for node, start in darts.EDGES])
        return network(image, {kind: rows(kind) for kind in ("normal", "reduce")})

    cases = [
        # As it is trained, with affine norms and nothing normalised behind pools.
        Case("darts_v2", params | {"affine": True}, darts.architecture(darts.DARTS_V2)),
        Case("all_operations", params, genotype(1)),
        Case("all_operations_affine", params | {"affine": True}, genotype(2)),
        Case("largest", params, constant("sep_conv_5x5")),
        # Hardly any weights but those that every architecture has.
        Case("skips", params, constant("skip_connect")),
        Case("mixed", params, None, mixed),
    ]
    decisions = [edge(kind, node, start) for kind in ("normal", "reduce") for node, start in darts.EDGES]
    return Space(
        "darts",
        lambda params, arch: darts.Darts(params["c"], params["layers"], CLASSES, params["affine"], arch),
        darts.our_name,
        dict.fromkeys(decisions, len(darts.LABELS)),
        (3, int(params["size"])),
        cases,
    )


def toy_cell_space() -> Space:
    params: Params = {"c": 4, "classes": CLASSES, "size": 12, "rate": 0.0}
    constant = lambda label: dict.fromkeys(toy_cell.DECISIONS, label)
    cases = [
        Case("largest", params, constant("sep_conv_5x5")),
        Case("smallest", params, constant("dil_conv_3x3")),
        Case("random_1", params, picked(toy_cell.CHOICES, 1)),
        Case("random_2", params, picked(toy_cell.CHOICES, 2)),
        Case("random_3", params, picked(toy_cell.CHOICES, 3)),
        Case("mixed", params, None, lambda network, image, mixture: network(image, mixture)),
    ]
    return Space(
        "toy_cell",
        lambda params, arch: toy_cell.ToyCell(params["c"], CLASSES, params["size"], params["rate"], arch),
        toy_cell.our_name,
        dict.fromkeys(toy_cell.DECISIONS, len(toy_cell.LABELS)),
        (1, int(params["size"])),
        cases,
    )


def conv_macro_space() -> Space:
    params: Params = {"c": 2, "head": 8, "classes": CLASSES, "size": 16, "rate": 0.0}
    choices = conv_macro.choices(params["c"])
    smallest = {decision: min(alternatives) for decision, alternatives in choices.items()}
    cases = [
        Case("largest", params, conv_macro.largest(params["c"])),
        Case("smallest", params, smallest),
        Case("random_1", params, picked(choices, 1)),
        Case("random_2", params, picked(choices, 2)),
        Case("random_3", params, picked(choices, 3)),
        Case("mixed", params, None, lambda network, image, mixture: conv_macro.mixed(network, params["c"], image, mixture)),
    ]
    return Space(
        "conv_macro",
        lambda params, arch: conv_macro.ConvMacro(params["c"], params["head"], CLASSES, params["size"], params["rate"], arch),
        conv_macro.our_name,
        {decision: len(alternatives) for decision, alternatives in choices.items()},
        (3, int(params["size"])),
        cases,
    )


def autoformer_t_space() -> Space:
    params: Params = {"size": 16, "patch": 4, "unit": 1, "head": 4, "layers": 4, "classes": CLASSES}
    unit, head, layers = params["unit"], params["head"], params["layers"]
    choices = autoformer_t.choices(unit, layers)

    def cut(arch: Architecture) -> Architecture:
        """Without the answers of layers that do not happen."""
        later = [f"i[{i}]." for i in range(arch["depth"], layers)]
        return {decision: answer for decision, answer in arch.items() if not decision.startswith(tuple(later))}

    cases = [
        Case("largest", params, autoformer_t.largest(unit, layers)),
        Case("smallest", params, cut({decision: min(alternatives) for decision, alternatives in choices.items()})),
        Case("random_1", params, cut(picked(choices, 1))),
        # A width whose part of 3.5 is no whole number.
        Case("random_2", params, cut(picked(choices, 2) | {"embed": 9, "i[0].ratio": 3.5, "depth": 4})),
        Case("random_3", params, cut(picked(choices, 3) | {"depth": 3})),
        Case("mixed", params, None, lambda network, image, mixture: autoformer_t.mixed(network, unit, head, image, mixture)),
    ]
    return Space(
        "autoformer_t",
        lambda params, arch: autoformer_t.AutoFormer(**params, arch=arch),
        autoformer_t.our_name,
        {decision: len(alternatives) for decision, alternatives in choices.items()},
        (3, int(params["size"])),
        cases,
    )


def systolic_resnet_space() -> Space:
    params: Params = {"c": 2, "lanes": 2, "stages": 2, "most": 2, "halvings": 0, "classes": CLASSES, "size": 12}
    sizes = [params[name] for name in ("c", "stages", "most")]
    choices = systolic_resnet.choices(*sizes)

    def cut(arch: Architecture) -> Architecture:
        """Without the answers of blocks that do not happen."""
        later = [f"stage[{stage}].i[{i}]." for stage in range(2) for i in range(arch[f"stage[{stage}].i"], 2)]
        return {decision: answer for decision, answer in arch.items() if not decision.startswith(tuple(later))}

    cases = [
        Case("largest", params, systolic_resnet.largest(*sizes)),
        Case("smallest", params, cut({decision: min(alternatives) for decision, alternatives in choices.items()})),
        Case("random_1", params, cut(picked(choices, 1))),
        Case("random_2", params | {"halvings": 1}, cut(picked(choices, 2))),
        Case("random_3", params | {"halvings": 2}, cut(picked(choices, 3))),
        Case(
            "mixed",
            params,
            None,
            lambda network, image, mixture: systolic_resnet.mixed(network, params["c"], params["most"], image, mixture),
        ),
    ]
    return Space(
        "systolic_resnet",
        lambda params, arch: systolic_resnet.SystolicResNet(**params, arch=arch),
        systolic_resnet.our_name,
        {decision: len(alternatives) for decision, alternatives in choices.items()},
        (3, int(params["size"])),
        cases,
    )


# Fixtures.


def results(space: Space, case: Case, network: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Everything that a case holds but its mixture. Moves the network's running statistics once."""
    image, label = tensors["input.image"], tensors["input.label"]
    mixture = {name.removeprefix("mixture."): value for name, value in tensors.items() if name.startswith("mixture.")}
    for value in mixture.values():
        value.requires_grad_()
    run = lambda: network(image) if case.mixed is None else case.mixed(network, image, mixture)
    network.eval()
    with torch.no_grad():
        evaluated = run()
    network.train()
    trained = run()
    loss = F.cross_entropy(trained, label)
    named = named_tensors(network, lambda key: space.our_name(network, key))
    trainable = [name for name, tensor in named.items() if isinstance(tensor, nn.Parameter)]
    statistics = [name for name in named if name not in trainable]
    wanted = {name: named[name] for name in (trainable[0], trainable[len(trainable) // 2], trainable[-2])}
    wanted |= {f"mixture.{decision}": value for decision, value in mixture.items()}
    found = torch.autograd.grad(loss, list(wanted.values()), materialize_grads=True, allow_unused=True)
    assert all(tensor.dtype == image.dtype for tensor in (evaluated, trained, *found))
    return {
        "logits.eval": evaluated,
        "logits.train": trained.detach(),
        "loss.train": loss.detach(),
        **{f"grad.{name}": gradient for name, gradient in zip(wanted, found, strict=True)},
        **{f"state_after.{name}": named[name].clone() for name in dict.fromkeys(statistics[:2] + statistics[-2:])},
    }


def double(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.double() if value.is_floating_point() else value.clone() for name, value in tensors.items()}


def make(space: Space) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a space's fixture."""
    generator = torch.Generator().manual_seed(1)
    channels, size = space.image
    inputs = {
        "input.image": torch.randn(BATCH, channels, size, size, generator=generator),
        "input.label": torch.randint(CLASSES, (BATCH,), generator=generator),
    }
    everything, all_shapes, cases = dict(inputs), {}, {}
    for case in space.cases:
        supernet = space.build(case.params, None)
        supernet_shapes = shapes(supernet, lambda key: space.our_name(supernet, key))
        network = space.build(case.params, case.arch)
        fill(network, lambda key: space.our_name(network, key), supernet_shapes)
        used = shapes(network, lambda key: space.our_name(network, key))
        all_shapes |= {name: supernet_shapes[name] for name in used}
        mixture: dict[str, Tensor] = {}
        if case.mixed is not None:
            for decision, alternatives in space.choices.items():
                mixture[f"mixture.{decision}"] = torch.softmax(torch.randn(alternatives, generator=generator), dim=0)
        exact_network = deepcopy(network).double()
        exact = results(space, case, exact_network, double(inputs | mixture))
        single = results(space, case, network, {name: value.clone() for name, value in (inputs | mixture).items()})
        for name, value in exact.items():
            error = ((value - single[name]).abs().max() / value.abs().max().clamp(min=1.0)).item()
            assert error < ROUNDING, f"{space.name}, {case.name}: {name} loses {error:.1e} to rounding"
        everything |= {f"{case.name}/{name}": value.float() for name, value in {**mixture, **exact}.items()}
        cases[case.name] = {
            "params": case.params,
            "arch": case.arch,
            "weights": count_weights(network),
            "tensors": len(used),
        }
        largest = exact["logits.eval"].abs().max()
        print(f"  {case.name}: {count_weights(network)} weights, loss {exact['loss.train']:.4f}, largest logit {largest:.2f}")
    metadata = json.dumps({"shapes": all_shapes, "cases": cases}, separators=(",", ":"))
    return {name: value.contiguous() for name, value in everything.items()}, {"fixture": metadata}


def main(wanted: list[str]) -> None:
    torch.set_num_threads(1)
    darts.check_counts()
    FIXTURES.mkdir(exist_ok=True)
    for space in (darts_space(), toy_cell_space(), conv_macro_space(), autoformer_t_space(), systolic_resnet_space()):
        if wanted and space.name not in wanted:
            continue
        print(space.name)
        tensors, metadata = make(space)
        path = FIXTURES / f"{space.name}.safetensors"
        save_file(tensors, path, metadata=metadata)
        assert path.stat().st_size < SIZE_LIMIT, f"{path.stat().st_size:,} bytes"
        print(f"  {path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
