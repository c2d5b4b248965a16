"""RetinaNet in plain PyTorch, written from the paper: the second opinion on `spaces/retinanet.nas` and `spaces/retinanet_light.nas`.

Source: Lin, Goyal, Girshick, He and Dollar, "Focal Loss for Dense Object Detection", ICCV 2017, section 4, and Lin et al., "Feature
Pyramid Networks for Object Detection", CVPR 2017. The two coarsest maps come from the backbone's last by convolutions of stride 2, a
ReLU between them. The lighter network's heads on the finest map, 1x1 convolutions of their own, are an assumption of this project.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from blocks import leaf_name
from resnet import Body, body_name


class Head(nn.Module):
    """Four convolutions and one to the result: [N, width, H, W] to [N, out, H, W]."""

    def __init__(self, width: int, out: int, kernel: int = 3) -> None:
        super().__init__()
        conv = lambda out: nn.Conv2d(width, out, kernel, padding=kernel // 2)
        self.tower = nn.ModuleList(conv(width) for _ in range(4))
        self.last = conv(out)

    def forward(self, x: Tensor) -> Tensor:
        for convolution in self.tower:
            x = torch.relu(convolution(x))
        return self.last(x)


class RetinaNet(nn.Module):
    """image [N, 3, size, size] to a dictionary: `clsN` [N, anchors * classes, H, W] and `boxN` [N, 4 * anchors, H, W] of five maps."""

    def __init__(
        self,
        width: int = 64,
        pyramid: int = 256,
        classes: int = 80,
        anchors: int = 9,
        size: int = 800,
        stride_in_1x1: bool = True,
        light: bool = False,
    ) -> None:
        super().__init__()
        self.body = Body([3, 4, 6, 3], width, stride_in_1x1)
        self.lateral = nn.ModuleList(nn.Conv2d(channels * width, pyramid, 1) for channels in (8, 16, 32))
        self.smooth = nn.ModuleList(nn.Conv2d(pyramid, pyramid, 3, padding=1) for _ in range(3))
        self.p6 = nn.Conv2d(32 * width, pyramid, 3, stride=2, padding=1)
        self.p7 = nn.Conv2d(pyramid, pyramid, 3, stride=2, padding=1)
        self.heads = nn.ModuleDict({"cls": Head(pyramid, anchors * classes), "box": Head(pyramid, 4 * anchors)})
        self.finest = nn.ModuleDict()
        if light:
            self.finest = nn.ModuleDict({"cls": Head(pyramid, anchors * classes, 1), "box": Head(pyramid, 4 * anchors, 1)})

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        stages = self.body(image)
        merged: list[Tensor] = []
        for convolution, stage in zip(reversed(self.lateral), reversed(stages[1:])):
            x = convolution(stage)
            if merged:
                x = x + F.interpolate(merged[0], scale_factor=2, mode="nearest")
            merged.insert(0, x)
        maps = [convolution(x) for convolution, x in zip(self.smooth, merged)]
        maps.append(self.p6(stages[3]))
        maps.append(self.p7(torch.relu(maps[-1])))
        found = {}
        for kind, head in self.heads.items():
            for level, x in enumerate(maps, start=3):
                own = self.finest[kind] if self.finest and level == 3 else head
                found[f"{kind}{level}"] = own(x)
        return found


def our_name(network: RetinaNet, key: str) -> str:
    """The compiler's name of the weight or state that PyTorch's `state_dict` calls `key`."""

    def head(parts: list[str]) -> str:
        match parts:
            case ["tower", i, leaf]:
                return f"i[{i}].conv.{leaf_name('conv', leaf)}"
            case ["last", leaf]:
                return f"conv.{leaf_name('conv', leaf)}"
        raise ValueError(f"no part of a head is called {parts!r}")

    match key.split("."):
        case ["body", *_]:
            return body_name(key.removeprefix("body."))
        case ["lateral", place, leaf]:
            return f"m{int(place) + 3}.conv.{leaf_name('conv', leaf)}"
        case ["smooth", place, leaf]:
            return f"p{int(place) + 3}.conv.{leaf_name('conv', leaf)}"
        case [("p6" | "p7") as level, leaf]:
            return f"{level}.conv.{leaf_name('conv', leaf)}"
        case ["heads", kind, *parts]:
            return f"{kind}.{head(parts)}"
        case ["finest", kind, *parts]:
            return f"{kind}3.head.{head(parts)}"
    raise ValueError(f"no part of the network is called {key!r}")
