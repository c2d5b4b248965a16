"""The time and memory of one search step of NAS-Bench-201 (C=16, N=5, batch 64): ours against plain PyTorch.

    python tests/reference/bench_nasbench201.py [--rounds 3] [--steps 10] [--binary target/release/examples/search_step]

needs torch 2.11 (`requirements.txt`) and the built example (`cargo build --release -p nasc-torch --example search_step`).
A step is DrNAS in first order, on two batches: a mixture from the decisions' Dirichlets, gradient of the loss on the
first batch for the decisions alone, Adam on them; another mixture, gradient of the loss on the second batch for the
weights, clip, SGD with momentum. Both programs start from the same weights and see the same batches and mixtures, so that
their losses can be compared step by step. The mixtures are drawn beforehand: were they drawn as the decisions move, a
rounding error in one program's decisions would be a difference of mixtures and no longer one of arithmetic. The gradient is
the Dirichlet's at these samples.

The learning rate is small, 1e-4: at that of a search (`--rate 0.025`) a fresh network of this depth is chaotic, and PyTorch's
own two memory formats are apart by 0.01 after three steps. So that it can be seen who rounds how, PyTorch also runs once in
64 bits, and all losses are compared to those.

Each round runs, as processes of their own and in turn: PyTorch in each memory format, then ours. Reported: seconds a
step (the median over steps after the first two) by the clock and of the processor, the peak of the process' resident memory above what it held before
the network was made, the ratios of ours to PyTorch's better format, and how far the losses are apart.
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

WIDTH, CELLS, BATCH, SIZE, CLASSES = 16, 5, 64, 32, 10
MOMENTUM, DECAY, CLIP = 0.9, 3e-4, 5.0
ARCH_RATE, ARCH_BETAS, ARCH_DECAY = 3e-4, (0.5, 0.999), 1e-3
ROOT = Path(__file__).resolve().parents[2]


def memory(field: str) -> int:
    """A number of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def prepare(path: Path, steps: int) -> None:
    """Weights, decisions' parameters and batches, by the compiler's names."""
    import torch
    import torch.nn.functional as F
    from nasbench201 import DECISIONS, LABELS, NasBench201, named_states, named_weights
    from safetensors.torch import save_file

    torch.manual_seed(0)
    network = NasBench201(WIDTH, CELLS, CLASSES)
    tensors = {f"weight.{name}": weight.detach().clone() for name, weight in named_weights(network).items()}
    tensors |= {f"state.{name}": state.clone() for name, state in named_states(network).items()}
    tensors["parameters"] = 1e-3 * torch.randn(len(DECISIONS), len(LABELS))
    dirichlet = torch.distributions.Dirichlet(tensors["parameters"].exp())
    for step in range(steps):
        for half in ("decisions", "weights"):
            # Smooth patches of colour with some noise: as photographs, images differ from each other in the large. The means of
            # white noise are all alike, and what batch-norm would make of their differences is rounding.
            patches = F.interpolate(torch.randn(BATCH, 3, 4, 4), size=(SIZE, SIZE), mode="bilinear")
            tensors[f"{half}.{step}.image"] = patches + 0.3 * torch.randn(BATCH, 3, SIZE, SIZE)
            tensors[f"{half}.{step}.mixture"] = dirichlet.sample()
            tensors[f"{half}.{step}.label"] = torch.randint(CLASSES, (BATCH,))
    save_file(tensors, path)


def pytorch(path: Path, steps: int, threads: int, rate: float, layout: str) -> dict:
    """The plain program."""
    import torch
    import torch.nn.functional as F
    from nasbench201 import NasBench201, named_states, named_weights
    from safetensors.torch import load_file

    torch.set_num_threads(threads)
    tensors = load_file(path)
    memory_format = torch.contiguous_format if layout == "contiguous" else torch.channels_last
    if layout == "double":
        tensors = {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    torch.ones(8).softmax(0)
    before = memory("VmRSS")
    network = NasBench201(WIDTH, CELLS, CLASSES).to(tensors["parameters"].dtype)
    with torch.no_grad():
        for name, weight in named_weights(network).items():
            weight.copy_(tensors[f"weight.{name}"])
        for name, state in named_states(network).items():
            state.copy_(tensors[f"state.{name}"])
    network = network.to(memory_format=memory_format)
    network.train()
    parameters = tensors["parameters"].clone().requires_grad_()
    weights = list(network.parameters())
    sgd = torch.optim.SGD(weights, rate, momentum=MOMENTUM, weight_decay=DECAY, fused=True)
    adam = torch.optim.Adam([parameters], ARCH_RATE, ARCH_BETAS, weight_decay=ARCH_DECAY, fused=True)

    def mixture(sample: torch.Tensor) -> torch.Tensor:
        """The sample, with the pathwise gradient of the parameters' Dirichlets."""
        concentration = parameters.clamp(max=0).exp() + parameters.relu()
        total = concentration.detach().sum(-1, True).expand_as(sample).contiguous()
        path = torch._dirichlet_grad(sample, concentration.detach(), total) * concentration
        path = path - sample * path.sum(-1, True)
        return sample + (path - path.detach())

    losses, seconds, processor = [], [], []
    for step in range(steps):
        begun, used_before = time.perf_counter(), time.process_time()
        image = tensors[f"decisions.{step}.image"].contiguous(memory_format=memory_format)
        loss = F.cross_entropy(network(image, mixture(tensors[f"decisions.{step}.mixture"])), tensors[f"decisions.{step}.label"])
        (parameters.grad,) = torch.autograd.grad(loss, [parameters])
        adam.step()
        image = tensors[f"weights.{step}.image"].contiguous(memory_format=memory_format)
        loss = F.cross_entropy(network(image, tensors[f"weights.{step}.mixture"]), tensors[f"weights.{step}.label"])
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
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rate", type=float, default=1e-4, help="learning rate of the weights")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/examples/search_step")
    parser.add_argument("--plan", type=Path, help="a plan in JSON for the binary, in place of compiling the space")
    parser.add_argument("--pytorch", choices=["channels_last", "contiguous", "double"], help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.pytorch:
        print(json.dumps(pytorch(args.data, args.steps, args.threads, args.rate, args.pytorch)))
        return

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.safetensors"
        prepare(data, args.steps)
        common = ["--data", str(data), "--steps", str(args.steps), "--threads", str(args.threads)]
        common += ["--rate", str(args.rate)]
        plan = ["--plan", str(args.plan)] if args.plan else []
        programs = {
            "channels_last": [sys.executable, __file__, "--pytorch", "channels_last", *common],
            "contiguous": [sys.executable, __file__, "--pytorch", "contiguous", *common],
            "double": [sys.executable, __file__, "--pytorch", "double", *common],
            "ours": [str(args.binary), *common, *plan],
        }
        runs: dict[str, list[dict]] = {name: [] for name in programs}
        for round in range(args.rounds):
            for name, command in programs.items():
                if name == "double" and round > 0:
                    continue
                output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
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
    processor_of = {name: statistics.median(middle(run, "processor") for run in found) for name, found in runs.items()}
    memory_of = {name: statistics.median(run["peak"] - run["before"] for run in found) for name, found in runs.items()}
    faster = min(("channels_last", "contiguous"), key=time_of.__getitem__)
    exact = runs["double"][0]["losses"]
    for name in ("ours", "channels_last", "contiguous"):
        apart = [abs(a - b) for a, b in zip(runs[name][0]["losses"], exact, strict=True)]
        print(f"losses of {name} from those in 64 bits: {' '.join(f'{d:.0e}' for d in apart)}; at most {max(apart):.1e}")
    apart = [abs(a - b) for a, b in zip(runs["ours"][0]["losses"], runs[faster][0]["losses"], strict=True)]
    print(f"losses of ours from PyTorch's over {len(apart)} steps: at most {max(apart):.1e}")


if __name__ == "__main__":
    main()
