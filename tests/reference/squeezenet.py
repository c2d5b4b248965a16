"""SqueezeNet 1.0 in plain PyTorch, written from the paper: the second opinion on `spaces/squeezenet.nas`.

Source: Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size", 2016, table 1, with
its public model for Caffe: the last convolution has a padding of 1 and a ReLU, and pools round sizes up.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blocks import leaf_name


class Fire(nn.Module):
    """[N, channels, H, W] to [N, 8 * squeeze, H, W]."""

    def __init__(self, channels: int, squeeze: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.expand1 = nn.Conv2d(squeeze, 4 * squeeze, 1)
        self.expand3 = nn.Conv2d(squeeze, 4 * squeeze, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.squeeze(x))
        return torch.relu(torch.cat([self.expand1(x), self.expand3(x)], dim=1))


class SqueezeNet(nn.Module):
    """image [N, 3, size, size] to logits [N, classes]."""

    def __init__(self, unit: int = 16, classes: int = 1000, size: int = 227, rate: float = 0.5) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6 * unit, 7, stride=2)
        squeezes = [unit, unit, 2 * unit, 2 * unit, 3 * unit, 3 * unit, 4 * unit, 4 * unit]
        channels = [6 * unit] + [8 * squeeze for squeeze in squeezes]
        self.fires = nn.ModuleList(Fire(a, squeeze) for a, squeeze in zip(channels, squeezes))
        self.dropout = nn.Dropout(rate)
        self.last = nn.Conv2d(channels[-1], classes, 1, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        pool = lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True)
        x = pool(torch.relu(self.first(image)))
        for i, fire in enumerate(self.fires):
            x = fire(x)
            if i in (2, 6):
                x = pool(x)
        return torch.relu(self.last(self.dropout(x))).mean(dim=(2, 3))


def our_name(network: SqueezeNet, key: str) -> str:
    """The compiler's name of the weight that PyTorch's `state_dict` calls `key`."""
    parts = {"squeeze": "s.conv", "expand1": "conv", "expand3": "conv#2"}
    match key.split("."):
        case ["first", leaf]:
            return f"x.conv.{leaf_name('conv', leaf)}"
        case ["fires", i, part, leaf]:
            return f"i[{i}].fire.{parts[part]}.{leaf_name('conv', leaf)}"
        case ["last", leaf]:
            return f"logits.conv.{leaf_name('conv', leaf)}"
    raise ValueError(f"no part of the network is called {key!r}")
