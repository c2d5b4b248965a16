"""EfficientNet-Lite0 in plain PyTorch, written from the paper: the second opinion on `spaces/efficientnet_lite0.nas`.

Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, table 1, with the public
code of the Lite variants: no squeeze-and-excitation, ReLU6, stem and head of fixed widths. TensorFlow pads so that a result has
size / stride rows, rounded up, and puts what is odd at the end.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blocks import leaf_name

STAGES = ((1, 3, 1, 1, 2), (6, 3, 2, 2, 3), (6, 5, 2, 2, 5), (6, 3, 2, 3, 10), (6, 5, 1, 3, 14), (6, 5, 2, 4, 24), (6, 3, 1, 1, 40))
"""Expansion, kernel, stride of the first block, blocks, width in units of 8."""


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's padding SAME, without bias."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, groups: int = 1) -> None:
        super().__init__(channels, out, kernel, stride=stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        padding: list[int] = []
        for size in (x.shape[3], x.shape[2]):
            needed = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
            padding += [needed // 2, needed - needed // 2]
        return super().forward(F.pad(x, padding))


def norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Inverted(nn.Module):
    """An inverted bottleneck: [N, channels, H, W] to [N, out, H / stride, W / stride]."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, ratio: int) -> None:
        super().__init__()
        wide = channels * ratio
        self.expands = ratio > 1
        if self.expands:
            self.expand = nn.Conv2d(channels, wide, 1, bias=False)
            self.expand_norm = norm(wide)
        self.depthwise = SameConv(wide, wide, kernel, stride, groups=wide)
        self.depthwise_norm = norm(wide)
        self.project = nn.Conv2d(wide, out, 1, bias=False)
        self.project_norm = norm(out)
        self.around = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.expand_norm(self.expand(x))) if self.expands else x
        y = F.relu6(self.depthwise_norm(self.depthwise(y)))
        y = self.project_norm(self.project(y))
        return x + y if self.around else y


class EfficientNetLite0(nn.Module):
    """image [N, 3, size, size] to logits [N, classes]."""

    def __init__(self, unit: int = 8, classes: int = 1000, size: int = 224, rate: float = 0.2) -> None:
        super().__init__()
        channels = 4 * unit
        self.stem = SameConv(3, channels, 3, 2)
        self.stem_norm = norm(channels)
        self.stages = nn.ModuleList()
        for ratio, kernel, stride, blocks, width in STAGES:
            found = nn.ModuleList()
            for i in range(blocks):
                found.append(Inverted(channels, width * unit, kernel, stride if i == 0 else 1, ratio))
                channels = width * unit
            self.stages.append(found)
        self.head = nn.Conv2d(channels, 160 * unit, 1, bias=False)
        self.head_norm = norm(160 * unit)
        self.dropout = nn.Dropout(rate)
        self.classifier = nn.Linear(160 * unit, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = F.relu6(self.stem_norm(self.stem(image)))
        for stage in self.stages:
            for block in stage:
                x = block(x)
        x = F.relu6(self.head_norm(self.head(x))).mean(dim=(2, 3))
        return self.classifier(self.dropout(x))


def our_name(network: EfficientNetLite0, key: str) -> str:
    """The compiler's name of the weight or state that PyTorch's `state_dict` calls `key`."""
    parts = {
        "expand": "wide.conv",
        "expand_norm": "wide.norm.batch_norm",
        "depthwise": "y.conv_same.conv",
        "depthwise_norm": "y.norm.batch_norm",
        "project": "y.conv",
        "project_norm": "y.norm#2.batch_norm",
    }
    single = {
        "stem": "x.conv_same.conv",
        "stem_norm": "x.norm.batch_norm",
        "head": "features.conv",
        "head_norm": "features.norm.batch_norm",
        "classifier": "logits.linear",
    }
    match key.split("."):
        case ["stages", stage, i, part, leaf]:
            return f"stage[{stage}].i[{i}].inverted.{parts[part]}.{leaf_name(part, leaf)}"
        case [part, leaf]:
            return f"{single[part]}.{leaf_name(part, leaf)}"
    raise ValueError(f"no part of the network is called {key!r}")
