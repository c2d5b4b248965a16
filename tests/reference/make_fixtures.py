"""Writes `fixtures/nasbench201-*.safetensors`: small networks with their inputs, weights and results.

    python tests/reference/make_fixtures.py

needs torch and safetensors (`requirements.txt`), takes a few seconds, and gives the same tensors on every run.

A fixture holds float32 tensors (labels: int64), N = 3:

    input.image [N, 3, size, size], input.label [N]
    weight.NAME, state.NAME       every weight and running statistic, before any step, by the compiler's names
    mixture [6, 5]                of the supernet alone: rows are the decisions, columns their labels, as below
    logits.eval [N, classes]      batch-norm takes the running statistics
    logits.train [N, classes]     batch-norm takes the batch's statistics
    loss.train []                 mean cross entropy of logits.train
    grad.NAME, grad.mixture       gradients of loss.train; zeros where the loss does not depend on a weight
    state_after.NAME              running statistics after the one forward in training mode

and, as JSON strings in the metadata: `arch` ({decision: label}; {} for the supernet), `params` (the space's
parameters), `weights` (how many trainable scalars), `decisions` and `labels` (the order of a mixture).

Results are computed in float64 from the float32 weights and then rounded, so that whoever compares has all of the
tolerance for rounding of his own; that PyTorch's own float32 stays well within it is asserted here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from nasbench201 import DECISIONS, LABELS, Architecture, NasBench201, count_weights, named_states, named_weights

FIXTURES = Path(__file__).parent / "fixtures"
BATCH = 3
CLASSES = 10

PUBLISHED_MAXIMUM = 1_531_546
"""Trainable weights at C=16, N=5, ten classes, a 3x3 convolution on every edge: the benchmark's largest network."""

SIZE_LIMIT = 200_000
"""Bytes that all fixtures of a space may take together."""

ROUNDING = 3e-6
"""How far PyTorch's float32 logits may be from its float64 ones, as a part of the largest: the tests compare to 1e-5."""


@dataclass
class Case:
    """One fixture; `labels` are the operations on the six edges, `None` means the mixed supernet."""

    name: str
    seed: int
    c: int
    n: int
    size: int
    labels: tuple[str, ...] | None
    gradients: list[str] = field(default_factory=lambda: ["x.conv.w"])

    def arch(self) -> Architecture | None:
        return None if self.labels is None else dict(zip(DECISIONS, self.labels, strict=True))


CASES = [
    # The largest architecture.
    Case("1", 1, 2, 1, 8, ("conv_3x3",) * 6, ["x.conv.w", "stage[2].i[0].cell.edge#3.conv_3x3.relu_conv_bn.batch_norm.gamma"]),
    # Every operation in one cell, at an odd size in the last stage (12, 6, 3), where the pooling counts matter.
    Case("2", 2, 2, 1, 12, ("pool_3x3", "conv_1x1", "skip", "conv_3x3", "none", "pool_3x3")),
    # Few weights: pools, skips and nones.
    Case("3", 3, 2, 1, 12, ("pool_3x3", "none", "skip", "skip", "pool_3x3", "pool_3x3")),
    # Two cells a stage.
    Case("4", 4, 2, 2, 8, ("conv_1x1", "pool_3x3", "conv_3x3", "skip", "skip", "conv_1x1")),
    # Node 1 is computed and then not used: its weights count, and their gradient is zero.
    Case(
        "5",
        5,
        2,
        1,
        8,
        ("conv_1x1", "skip", "none", "conv_1x1", "none", "conv_1x1"),
        ["x.conv.w", "stage[0].i[0].cell.n1.edge.conv_1x1.relu_conv_bn.conv.w"],
    ),
    Case("supernet", 6, 2, 1, 8, None),
]


def randomize(network: NasBench201, generator: torch.Generator) -> None:
    """Weights of a sensible scale, no two alike, and statistics that are not those of a fresh network."""
    normal = lambda like: torch.randn(like.shape, generator=generator)
    uniform = lambda like, low, high: low + (high - low) * torch.rand(like.shape, generator=generator)
    with torch.no_grad():
        for name, weight in named_weights(network).items():
            if name.endswith(".gamma"):
                weight.copy_(uniform(weight, 0.5, 1.5))
            elif name.endswith((".beta", ".b")):
                weight.copy_(0.2 * normal(weight))
            else:
                fan_in = weight[0].numel()
                weight.copy_((2.0 / fan_in) ** 0.5 * normal(weight))
        for name, state in named_states(network).items():
            state.copy_(uniform(state, 0.5, 1.5) if name.endswith(".var") else 0.2 * normal(state))


def results(network: NasBench201, inputs: dict[str, Tensor], gradients: list[str]) -> dict[str, Tensor]:
    """Logits in both modes, the loss and the gradients asked for. Moves the network's running statistics once."""
    dtype = inputs["input.image"].dtype
    mixture = inputs["mixture"].clone().requires_grad_() if "mixture" in inputs else None
    network.eval()
    with torch.no_grad():
        evaluated = network(inputs["input.image"], mixture)
    network.train()
    trained = network(inputs["input.image"], mixture)
    loss = F.cross_entropy(trained, inputs["input.label"])
    weights = named_weights(network)
    wanted = {name: weights[name] for name in gradients}
    if mixture is not None:
        wanted["mixture"] = mixture
    found = torch.autograd.grad(loss, list(wanted.values()), materialize_grads=True, allow_unused=True)
    after = {name: state for name, state in named_states(network).items() if name.startswith(("x.", "logits."))}
    assert all(tensor.dtype == dtype for tensor in (evaluated, trained))
    return {
        "logits.eval": evaluated,
        "logits.train": trained.detach(),
        "loss.train": loss.detach(),
        **{f"grad.{name}": gradient for name, gradient in zip(wanted, found, strict=True)},
        **{f"state_after.{name}": state.clone() for name, state in after.items()},
    }


def make(case: Case) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of one fixture."""
    generator = torch.Generator().manual_seed(case.seed)
    network = NasBench201(case.c, case.n, CLASSES, case.arch())
    randomize(network, generator)
    inputs = {
        "input.image": torch.randn(BATCH, 3, case.size, case.size, generator=generator),
        "input.label": torch.randint(CLASSES, (BATCH,), generator=generator),
    }
    if case.labels is None:
        inputs["mixture"] = torch.softmax(torch.randn(len(DECISIONS), len(LABELS), generator=generator), dim=1)
    before = {
        **{f"weight.{name}": weight.detach().clone() for name, weight in named_weights(network).items()},
        **{f"state.{name}": state.clone() for name, state in named_states(network).items()},
    }

    double = NasBench201(case.c, case.n, CLASSES, case.arch()).double()
    double.load_state_dict(network.state_dict())
    exact = results(double, {k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}, case.gradients)
    single = results(network, inputs, case.gradients)
    for name in ("logits.eval", "logits.train", "loss.train"):
        error = ((exact[name] - single[name]).abs().max() / exact[name].abs().max().clamp(min=1.0)).item()
        assert error < ROUNDING, f"fixture {case.name}: {name} loses {error:.1e} to rounding; take another seed"

    metadata = {
        "arch": json.dumps(case.arch() or {}),
        "params": json.dumps({"c": case.c, "n": case.n, "classes": CLASSES, "size": case.size}),
        "weights": json.dumps(count_weights(network)),
        "decisions": json.dumps(DECISIONS),
        "labels": json.dumps(LABELS),
    }
    rounded = {name: value.float() for name, value in exact.items()}
    return {name: value.contiguous() for name, value in {**inputs, **before, **rounded}.items()}, metadata


def main() -> None:
    torch.set_num_threads(1)
    largest = NasBench201(arch=dict.fromkeys(DECISIONS, "conv_3x3"))
    assert count_weights(largest) == PUBLISHED_MAXIMUM, count_weights(largest)

    FIXTURES.mkdir(exist_ok=True)
    bytes_written = 0
    for case in CASES:
        tensors, metadata = make(case)
        path = FIXTURES / f"nasbench201-{case.name}.safetensors"
        save_file(tensors, path, metadata=metadata)
        bytes_written += path.stat().st_size
        print(f"{path.name}: {path.stat().st_size:,} bytes, {metadata['weights']} weights, loss {tensors['loss.train']:.4f}")
    assert bytes_written < SIZE_LIMIT, f"{bytes_written:,} bytes"
    print(f"{bytes_written:,} bytes in all")


if __name__ == "__main__":
    main()
