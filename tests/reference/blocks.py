"""The blocks of the cell spaces in plain PyTorch, and how the compiler names what is in them.

Source: Liu, Simonyan and Yang, "DARTS: Differentiable Architecture Search", ICLR 2019, section 3.1.1, and its public code for
what the paper leaves open: the stride is in the first half of a separable convolution, nothing has a bias.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from weights import slice_of

_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "var"}


class ReLUConvBN(nn.Module):
    """ReLU, 1x1 convolution, batch-norm: [N, I, H, W] to [N, out, H, W]."""

    def __init__(self, channels: int, out: int, affine: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 1, bias=False)
        self.norm = nn.BatchNorm2d(out, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(torch.relu(x)))


class FactorizedReduce(nn.Module):
    """ReLU, two 1x1 convolutions of stride 2, the second a row and a column further, batch-norm: half the height and width."""

    def __init__(self, channels: int, out: int, affine: bool) -> None:
        super().__init__()
        self.straight = nn.Conv2d(channels, out // 2, 1, stride=2, bias=False)
        self.shifted = nn.Conv2d(channels, out // 2, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(out, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(x)
        return self.norm(torch.cat([self.straight(x), self.shifted(x[:, :, 1:, 1:])], dim=1))


class Pool(nn.Module):
    """A 3x3 pool that keeps the size at stride 1; batch-norm behind it where `normalised`."""

    def __init__(self, pool: nn.Module, c: int, normalised: bool) -> None:
        super().__init__()
        self.pool = pool
        self.norm = nn.BatchNorm2d(c, affine=False) if normalised else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.pool(x))


class SepConv(nn.Module):
    """Twice: ReLU, depthwise convolution, 1x1 convolution, batch-norm. `c` channels in and out."""

    def __init__(self, c: int, kernel: int, stride: int, affine: bool) -> None:
        super().__init__()
        self.kernel = kernel
        self.depthwise1 = nn.Conv2d(c, c, kernel, stride=stride, padding=kernel // 2, groups=c, bias=False)
        self.pointwise1 = nn.Conv2d(c, c, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(c, affine=affine)
        self.depthwise2 = nn.Conv2d(c, c, kernel, padding=kernel // 2, groups=c, bias=False)
        self.pointwise2 = nn.Conv2d(c, c, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(c, affine=affine)

    def forward(self, x: Tensor, kernels: dict[int, Tensor] | None = None) -> Tensor:
        """`kernels` are the weights of kernel sizes, whose mix the two depthwise convolutions then have."""
        x = self.norm1(self.pointwise1(depthwise(self.depthwise1, torch.relu(x), kernels)))
        return self.norm2(self.pointwise2(depthwise(self.depthwise2, torch.relu(x), kernels)))


class DilConv(nn.Module):
    """ReLU, depthwise convolution with every second tap, 1x1 convolution, batch-norm. `c` channels in and out."""

    def __init__(self, c: int, kernel: int, stride: int, affine: bool) -> None:
        super().__init__()
        self.kernel = kernel
        self.depthwise = nn.Conv2d(c, c, kernel, stride=stride, padding=kernel - 1, dilation=2, groups=c, bias=False)
        self.pointwise = nn.Conv2d(c, c, 1, bias=False)
        self.norm = nn.BatchNorm2d(c, affine=affine)

    def forward(self, x: Tensor, kernels: dict[int, Tensor] | None = None) -> Tensor:
        return self.norm(self.pointwise(depthwise(self.depthwise, torch.relu(x), kernels)))


def depthwise(conv: nn.Conv2d, x: Tensor, kernels: dict[int, Tensor] | None) -> Tensor:
    """The convolution, with the sum of the centres of its kernel times their weights if there are any."""
    if kernels is None:
        return conv(x)
    mixed = torch.zeros_like(conv.weight)
    for size, weight in kernels.items():
        centre = slice_of(conv.weight, (*conv.weight.shape[:2], size, size))
        mixed = mixed + weight * F.pad(centre, [(conv.weight.shape[3] - size) // 2] * 4)
    return F.conv2d(x, mixed, None, conv.stride, conv.padding, conv.dilation, conv.groups)


# Names: of a part of a block inside the op that the compiler calls by the block's name.

_PARTS = {
    "relu_conv_bn": {"conv": "conv", "norm": "batch_norm"},
    "factorized_reduce": {"straight": "conv", "shifted": "conv#2", "norm": "batch_norm"},
    "norm_in_search": {"norm": "batch_norm"},
    "sep_conv": {
        "depthwise1": "once.conv",
        "pointwise1": "once.conv#2",
        "norm1": "once.batch_norm",
        "depthwise2": "conv",
        "pointwise2": "conv#2",
        "norm2": "batch_norm",
    },
    "dil_conv": {"depthwise": "conv", "pointwise": "conv#2", "norm": "batch_norm"},
}


def block_name(block: str, part: str, leaf: str) -> str:
    """The compiler's name of a tensor of a block, inside that block.

    >>> block_name("sep_conv", "norm1", "running_mean")
    'once.batch_norm.mean'
    """
    return f"{_PARTS[block][part]}.{leaf_name(part, leaf)}"


def leaf_name(part: str, leaf: str) -> str:
    """The compiler's name of what PyTorch calls `leaf` in a norm, or else in a convolution or linear map."""
    if part.rstrip("0123456789").endswith("norm"):
        return _NORM[leaf]
    return {"weight": "w", "bias": "b"}[leaf]
