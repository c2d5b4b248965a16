"""The time and memory of one search step of DARTS (C=16, 8 cells, batch 64, 3x32x32): ours against plain PyTorch.

    python tests/reference/bench_darts.py [--rounds 2] [--steps 10] [--binary target/release/examples/search_step]

needs torch 2.11 (`requirements.txt`) and the built example (`cargo build --release -p nasc-torch --example search_step`).
A step is DARTS in first order, on two batches: the gradient of the loss on the first batch for the decisions alone, Adam
on them; the gradient of the loss on the second batch for the weights, clip, SGD with momentum. The mixture of an edge is
the softmax of its decision's parameters, in both programs. Both start from the same weights and parameters and see the same
batches, so that their losses can be compared step by step.

PyTorch's network is written here from the paper (Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR
2019, section 3.1.1 and appendix A.1): plain modules, each mixed operation the sum of its weighted candidates.

The learning rate of the weights is small, 1e-4: at that of a search (`--rate 0.025`) a fresh network of this depth multiplies
rounding errors, and PyTorch's own two memory formats drift apart as well.

Each round runs, as processes of their own and in turn: PyTorch in each memory format, then ours. Reported: seconds a step (the
median over steps after the first two; the first step alone if there are no more) by the clock and of the processor, the peak
of the process' resident memory above what it held before the network was made, the ratios of ours to PyTorch's better format,
and how far the losses are apart. `--only ours,channels_last` leaves programs out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BATCH, SIZE = 64, 32
WIDTH, CELLS, CLASSES = 16, 8, 10
MOMENTUM, DECAY, CLIP = 0.9, 3e-4, 5.0
ARCH_RATE, ARCH_BETAS, ARCH_DECAY = 3e-4, (0.5, 0.999), 1e-3
WEIGHTS = 1_930_618
"""Trainable weights of the supernet at C=16, 8 cells, ten classes."""
ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ("channels_last", "contiguous", "ours")


def memory(field: str) -> int:
    """A number of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def supernet(width: int, cells: int, classes: int):
    """The network. Modules are made in the order in which the compiler meets them, so that weights go by their numbers."""
    import torch
    from torch import nn

    def separable(c: int, kernel: int, stride: int, dilation: int) -> list[nn.Module]:
        pad = dilation * (kernel - 1) // 2
        deep = nn.Conv2d(c, c, kernel, stride, pad, dilation, groups=c, bias=False)
        return [nn.ReLU(), deep, nn.Conv2d(c, c, 1, bias=False), nn.BatchNorm2d(c, affine=False)]

    class ReLUConvNorm(nn.Sequential):
        def __init__(self, taken: int, c: int) -> None:
            super().__init__(nn.ReLU(), nn.Conv2d(taken, c, 1, bias=False), nn.BatchNorm2d(c, affine=False))

    class FactorizedReduce(nn.Module):
        def __init__(self, taken: int, c: int) -> None:
            super().__init__()
            self.even = nn.Conv2d(taken, c // 2, 1, 2, bias=False)
            self.odd = nn.Conv2d(taken, c // 2, 1, 2, bias=False)
            self.norm = nn.BatchNorm2d(c, affine=False)

        def forward(self, x):
            x = torch.relu(x)
            return self.norm(torch.cat([self.even(x), self.odd(x[:, :, 1:, 1:])], dim=1))

    class Nothing(nn.Module):
        def __init__(self, stride: int) -> None:
            super().__init__()
            self.stride = stride

        def forward(self, x):
            return x[:, :, :: self.stride, :: self.stride] * 0

    class Mixed(nn.ModuleList):
        def __init__(self, c: int, stride: int) -> None:
            norm = lambda: nn.BatchNorm2d(c, affine=False)
            super().__init__([
                Nothing(stride),
                nn.Sequential(nn.MaxPool2d(3, stride, 1), norm()),
                nn.Sequential(nn.AvgPool2d(3, stride, 1, count_include_pad=False), norm()),
                nn.Identity() if stride == 1 else FactorizedReduce(c, c),
                nn.Sequential(*separable(c, 3, stride, 1), *separable(c, 3, 1, 1)),
                nn.Sequential(*separable(c, 5, stride, 1), *separable(c, 5, 1, 1)),
                nn.Sequential(*separable(c, 3, stride, 2)),
                nn.Sequential(*separable(c, 5, stride, 2)),
            ])

        def forward(self, x, weights):
            return sum(weight * candidate(x) for weight, candidate in zip(weights, self))

    class Cell(nn.Module):
        def __init__(self, before: int, last: int, c: int, halved: bool, reduce: bool) -> None:
            super().__init__()
            self.first = FactorizedReduce(before, c) if halved else ReLUConvNorm(before, c)
            self.second = ReLUConvNorm(last, c)
            edges = [Mixed(c, 2 if reduce and start < 2 else 1) for node in range(4) for start in range(node + 2)]
            self.edges = nn.ModuleList(edges)

        def forward(self, before, last, mixture):
            states, edge = [self.first(before), self.second(last)], 0
            for _ in range(4):
                arriving = range(edge, edge + len(states))
                states.append(sum(self.edges[k](x, mixture[k]) for k, x in zip(arriving, states)))
                edge = arriving.stop
            return torch.cat(states[2:], dim=1)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 3 * width, 3, padding=1, bias=False), nn.BatchNorm2d(3 * width))
            before, last, c, halved = 3 * width, 3 * width, width, False
            self.reduces = [i in (cells // 3, 2 * cells // 3) for i in range(cells)]
            made = []
            for reduce in self.reduces:
                c = 2 * c if reduce else c
                made.append(Cell(before, last, c, halved, reduce))
                before, last, halved = last, 4 * c, reduce
            self.cells = nn.ModuleList(made)
            self.classifier = nn.Linear(last, classes)

        def forward(self, image, mixture):
            """`mixture` is [28, 8]: a row for each edge of the normal cell, then of the reduction cell."""
            normal, reduction = mixture[:14], mixture[14:]
            before = last = self.stem(image)
            for cell, reduce in zip(self.cells, self.reduces):
                before, last = last, cell(before, last, reduction if reduce else normal)
            return self.classifier(last.mean(dim=(2, 3)))

    return Network()


def prepare(path: Path, steps: int) -> None:
    """Weights by number, decisions' parameters and batches."""
    import torch
    import torch.nn.functional as F
    from safetensors.torch import save_file

    torch.manual_seed(0)
    weights = list(supernet(WIDTH, CELLS, CLASSES).parameters())
    assert sum(weight.numel() for weight in weights) == WEIGHTS
    tensors = {f"weight.{number}": weight.detach().clone() for number, weight in enumerate(weights)}
    tensors["parameters"] = 1e-3 * torch.randn(28, 8)
    for step in range(steps):
        for half in ("decisions", "weights"):
            # Smooth patches of colour with some noise: as photographs, images differ from each other in the large. The means of
            # white noise are all alike, and what batch-norm would make of their differences is rounding.
            patches = F.interpolate(torch.randn(BATCH, 3, 4, 4), size=(SIZE, SIZE), mode="bilinear")
            tensors[f"{half}.{step}.image"] = patches + 0.3 * torch.randn(BATCH, 3, SIZE, SIZE)
            tensors[f"{half}.{step}.label"] = torch.randint(CLASSES, (BATCH,))
    save_file(tensors, path)


def pytorch(path: Path, steps: int, threads: int, rate: float, layout: str) -> dict:
    """The plain program."""
    import torch
    import torch.nn.functional as F
    from safetensors.torch import load_file

    torch.set_num_threads(threads)
    tensors = load_file(path)
    memory_format = torch.contiguous_format if layout == "contiguous" else torch.channels_last
    torch.ones(8).softmax(0)
    before = memory("VmRSS")
    network = supernet(WIDTH, CELLS, CLASSES)
    with torch.no_grad():
        for number, weight in enumerate(network.parameters()):
            weight.copy_(tensors[f"weight.{number}"])
    network = network.to(memory_format=memory_format)
    network.train()
    parameters = tensors["parameters"].clone().requires_grad_()
    weights = list(network.parameters())
    sgd = torch.optim.SGD(weights, rate, momentum=MOMENTUM, weight_decay=DECAY, fused=True)
    adam = torch.optim.Adam([parameters], ARCH_RATE, ARCH_BETAS, weight_decay=ARCH_DECAY, fused=True)

    losses, seconds, processor = [], [], []
    for step in range(steps):
        begun, used_before = time.perf_counter(), time.process_time()
        image = tensors[f"decisions.{step}.image"].contiguous(memory_format=memory_format)
        loss = F.cross_entropy(network(image, parameters.softmax(-1)), tensors[f"decisions.{step}.label"])
        (parameters.grad,) = torch.autograd.grad(loss, [parameters])
        adam.step()
        image = tensors[f"weights.{step}.image"].contiguous(memory_format=memory_format)
        loss = F.cross_entropy(network(image, parameters.detach().softmax(-1)), tensors[f"weights.{step}.label"])
        sgd.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, CLIP)
        sgd.step()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - begun)
        processor.append(time.process_time() - used_before)
    times = {"losses": losses, "seconds": seconds, "processor": processor}
    return {**times, "before": before, "peak": memory("VmHWM"), "parameters": parameters.tolist()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rate", type=float, default=1e-4, help="learning rate of the weights")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/examples/search_step")
    parser.add_argument("--space", type=Path, default=ROOT / "runtime/torch/examples/darts_mixed.nas")
    parser.add_argument("--only", default=",".join(PROGRAMS), help=f"of {', '.join(PROGRAMS)}")
    parser.add_argument("--pytorch", choices=["channels_last", "contiguous"], help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.pytorch:
        print(json.dumps(pytorch(args.data, args.steps, args.threads, args.rate, args.pytorch)))
        return

    with tempfile.TemporaryDirectory() as folder:
        data = args.data or Path(folder) / "data.safetensors"
        if not data.exists():
            prepare(data, args.steps)
        common = ["--data", str(data), "--steps", str(args.steps), "--threads", str(args.threads)]
        common += ["--rate", str(args.rate)]
        plain = [sys.executable, __file__, *common, "--pytorch"]
        programs = {
            "channels_last": [*plain, "channels_last"],
            "contiguous": [*plain, "contiguous"],
            "ours": [str(args.binary), *common, "--space", str(args.space)],
        }
        runs: dict[str, list[dict]] = {name: [] for name in args.only.split(",")}
        for _ in range(args.rounds):
            for name in runs:
                output = subprocess.run(programs[name], check=True, stdout=subprocess.PIPE, text=True).stdout
                runs[name].append(json.loads(output.splitlines()[-1]))
                run = runs[name][-1]
                print(f"{name:14} {middle(run, 'seconds'):.3f} s a step, {middle(run, 'processor'):.3f} of processor,", end=" ")
                print(f"{(run['peak'] - run['before']) / 1e6:.0f} MB above", end=" ")
                print(f"{run['before'] / 1e6:.0f} MB, last loss {run['losses'][-1]:.6f}", flush=True)
    report(runs)


def middle(run: dict, of: str) -> float:
    return statistics.median(run[of][2:] or run[of])


def report(runs: dict[str, list[dict]]) -> None:
    time_of = {name: statistics.median(middle(run, "seconds") for run in found) for name, found in runs.items()}
    memory_of = {name: statistics.median(run["peak"] - run["before"] for run in found) for name, found in runs.items()}
    plain = [name for name in runs if name != "ours"]
    if not plain or "ours" not in runs:
        return
    faster = min(plain, key=time_of.__getitem__)
    print(f"ours takes {time_of['ours'] / time_of[faster]:.3f} of the time of PyTorch, {faster},", end=" ")
    print(f"and {memory_of['ours'] / memory_of[faster]:.3f} of its memory")
    for name in runs:
        apart = [abs(a - b) for a, b in zip(runs[name][0]["losses"], runs[faster][0]["losses"], strict=True)]
        print(f"losses of {name} from those of {faster} over {len(apart)} steps: {' '.join(f'{d:.0e}' for d in apart)}")


if __name__ == "__main__":
    main()
