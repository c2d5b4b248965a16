"""AlexNet in plain PyTorch, written from the paper: the second opinion on `spaces/alexnet.nas`.

Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NeurIPS 2012, with
the sizes of Caffe's reference model: pictures of 227x227, a normalisation with k = 1 whose alpha is divided by its size.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blocks import leaf_name


class AlexNet(nn.Module):
    """image [N, 3, size, size] to logits [N, classes]."""

    def __init__(self, unit: int = 32, hidden: int = 4096, classes: int = 1000, size: int = 227, rate: float = 0.5) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            [
                nn.Conv2d(3, 3 * unit, 11, stride=4),
                nn.Conv2d(3 * unit, 8 * unit, 5, padding=2, groups=2),
                nn.Conv2d(8 * unit, 12 * unit, 3, padding=1),
                nn.Conv2d(12 * unit, 12 * unit, 3, padding=1, groups=2),
                nn.Conv2d(12 * unit, 8 * unit, 3, padding=1, groups=2),
            ]
        )
        side = (size - 11) // 4 + 1
        for _ in range(3):
            side = (side - 3) // 2 + 1
        sizes = [8 * unit * side * side, hidden, hidden, classes]
        self.linears = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.normalise = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)
        self.dropout = nn.Dropout(rate)

    def forward(self, image: Tensor) -> Tensor:
        x = image
        for i, convolution in enumerate(self.convolutions):
            x = torch.relu(convolution(x))
            if i < 2:
                x = self.normalise(x)
            if i in (0, 1, 4):
                x = F.max_pool2d(x, 3, 2)
        first, second, last = self.linears
        x = self.dropout(torch.relu(first(x.flatten(1))))
        return last(self.dropout(torch.relu(second(x))))


def our_name(network: AlexNet, key: str) -> str:
    """The compiler's name of the weight that PyTorch's `state_dict` calls `key`."""
    match key.split("."):
        case ["convolutions", place, leaf]:
            return f"c{int(place) + 1}.conv.{leaf_name('conv', leaf)}"
        case ["linears", "0", leaf]:
            return f"logits.linear.{leaf_name('linear', leaf)}"
        case ["linears", place, leaf]:
            return f"logits.linear#{int(place) + 1}.{leaf_name('linear', leaf)}"
    raise ValueError(f"no part of the network is called {key!r}")
