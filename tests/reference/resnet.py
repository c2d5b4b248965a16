"""Residual networks in plain PyTorch, written from the paper: the second opinion on `spaces/resnet50.nas`, `spaces/resnet152.nas`
and `spaces/resnet_cifar.nas`.

Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016: table 1 and figure 5 for the deep ones,
section 4.2 for those on CIFAR-10.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blocks import leaf_name


class ConvBN(nn.Module):
    """A convolution that keeps the size (at stride 1), without bias, and batch-norm."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))


class Bottleneck(nn.Module):
    """[N, channels, H, W] to [N, 4 * width, H / stride, W / stride]."""

    def __init__(self, channels: int, width: int, stride: int, stride_in_1x1: bool) -> None:
        super().__init__()
        strides = (stride, 1) if stride_in_1x1 else (1, stride)
        self.reduce = ConvBN(channels, width, 1, strides[0])
        self.middle = ConvBN(width, width, 3, strides[1])
        self.expand = ConvBN(width, 4 * width, 1)
        projected = channels != 4 * width or stride != 1
        self.side = ConvBN(channels, 4 * width, 1, stride) if projected else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        main = self.expand(torch.relu(self.middle(torch.relu(self.reduce(x)))))
        return torch.relu(main + self.side(x))


class Body(nn.Module):
    """The stem and four stages: image [N, 3, size, size] to what each stage gives, the last [N, 32 * width, size / 32, size / 32]."""

    def __init__(self, blocks: list[int], width: int, stride_in_1x1: bool) -> None:
        super().__init__()
        self.stem = ConvBN(3, width, 7, 2)
        self.stages = nn.ModuleList()
        channels = width
        for stage, depth in enumerate(blocks):
            inner = width * 2**stage
            stride = 1 if stage == 0 else 2
            found = [Bottleneck(channels, inner, stride, stride_in_1x1)]
            found += [Bottleneck(4 * inner, inner, 1, stride_in_1x1) for _ in range(depth - 1)]
            self.stages.append(nn.ModuleList(found))
            channels = 4 * inner

    def forward(self, image: Tensor) -> list[Tensor]:
        x = F.max_pool2d(torch.relu(self.stem(image)), 3, 2, padding=1)
        found = []
        for stage in self.stages:
            for block in stage:
                x = block(x)
            found.append(x)
        return found


class ResNet(nn.Module):
    """image [N, 3, size, size] to logits [N, classes]."""

    def __init__(
        self, blocks: list[int], width: int = 64, classes: int = 1000, size: int = 224, stride_in_1x1: bool = True
    ) -> None:
        super().__init__()
        self.body = Body(blocks, width, stride_in_1x1)
        self.classifier = nn.Linear(32 * width, classes)

    def forward(self, image: Tensor) -> Tensor:
        return self.classifier(self.body(image)[-1].mean(dim=(2, 3)))


class CifarBlock(nn.Module):
    """Two convolutions. Where the width grows, the shortcut takes every second pixel, and zeros stand around its channels."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.grown = width - channels
        self.first = ConvBN(channels, width, 3, 2 if self.grown else 1)
        self.second = ConvBN(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        main = self.second(torch.relu(self.first(x)))
        if self.grown:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.grown // 2, self.grown // 2))
        return torch.relu(main + x)


class ResNetCifar(nn.Module):
    """image [N, 3, size, size] to logits [N, classes]."""

    def __init__(self, blocks: int = 3, c: int = 16, classes: int = 10, size: int = 32) -> None:
        super().__init__()
        self.stem = ConvBN(3, c, 3)
        widths = [c] + [c * 2**stage for stage in range(3) for _ in range(blocks)]
        pairs = list(zip(widths, widths[1:]))
        self.stages = nn.ModuleList(
            nn.ModuleList(CifarBlock(*pair) for pair in pairs[stage * blocks : (stage + 1) * blocks]) for stage in range(3)
        )
        self.classifier = nn.Linear(widths[-1], classes)

    def forward(self, image: Tensor) -> Tensor:
        x = torch.relu(self.stem(image))
        for stage in self.stages:
            for block in stage:
                x = block(x)
        return self.classifier(x.mean(dim=(2, 3)))


# Names.

_CONV_BN = {"conv": "conv", "norm": "batch_norm"}


def conv_bn_name(part: str, leaf: str) -> str:
    """The compiler's name of a tensor of a `ConvBN` inside the op `conv_bn`."""
    return f"{_CONV_BN[part]}.{leaf_name(part, leaf)}"


def body_name(key: str) -> str:
    """The compiler's name of a tensor of `Body`."""
    ops = {"reduce": "main.conv_bn", "middle": "main.conv_bn#2", "expand": "main.conv_bn#3", "side": "side.conv_bn"}
    match key.split("."):
        case ["stem", part, leaf]:
            return f"stages.bottlenecks.x.conv_bn.{conv_bn_name(part, leaf)}"
        case ["stages", stage, i, op, part, leaf]:
            return f"stages.bottlenecks.stage[{stage}].i[{i}].bottleneck.{ops[op]}.{conv_bn_name(part, leaf)}"
    raise ValueError(f"no part of the body is called {key!r}")


def our_name(network: ResNet, key: str) -> str:
    """The compiler's name of the weight or state that PyTorch's `state_dict` calls `key`."""
    if key.startswith("body."):
        return body_name(key.removeprefix("body."))
    return f"logits.linear.{leaf_name('linear', key.removeprefix('classifier.'))}"


def our_cifar_name(network: ResNetCifar, key: str) -> str:
    """The same of a network for CIFAR-10."""
    ops = {"first": "conv_bn", "second": "conv_bn#2"}
    match key.split("."):
        case ["stem", part, leaf]:
            return f"x.conv_bn.{conv_bn_name(part, leaf)}"
        case ["stages", stage, i, op, part, leaf]:
            return f"stage[{stage}].i[{i}].block.{ops[op]}.{conv_bn_name(part, leaf)}"
        case ["classifier", leaf]:
            return f"logits.linear.{leaf_name('linear', leaf)}"
    raise ValueError(f"no part of the network is called {key!r}")
