/// RetinaNet: a detector on a feature pyramid over ResNet-50. One network.
/// Source: Lin, Goyal, Girshick, He and Dollar, "Focal Loss for Dense Object Detection", ICCV 2017.
///
/// For each place of five maps, 8 to 128 times smaller than the picture: `clsN` has a logit for each of 9 anchors and each class,
/// `boxN` four numbers an anchor. Anchors, the focal loss and the choice among overlapping boxes are not part of the network.
use std.residual.{ bottlenecks };

/// Convolutions of one width, and one to the result.
op head(x, width: int, out: int) {
  for i in 0..4 { x = x |> conv(width, 3, bias = true) |> relu(); }
  x |> conv(out, 3, bias = true)
}

space retinanet(width: int = 64, pyramid: int = 256, classes: int = 80, anchors: int = 9, size: int = 800,
                stride_in_1x1: bool = true) {
  require size % 32 == 0, "each map of the pyramid's first three is half of the one before";

  input image: f32[N, 3, size, size];

  let stages = image |> bottlenecks([3, 4, 6, 3], width, stride_in_1x1 = stride_in_1x1);
  let m5 = stages[3] |> conv(pyramid, 1, bias = true);
  let m4 = (stages[2] |> conv(pyramid, 1, bias = true)) + upsample(m5);
  let m3 = (stages[1] |> conv(pyramid, 1, bias = true)) + upsample(m4);
  let p3 = m3 |> conv(pyramid, 3, bias = true);
  let p4 = m4 |> conv(pyramid, 3, bias = true);
  let p5 = m5 |> conv(pyramid, 3, bias = true);
  let p6 = stages[3] |> conv(pyramid, 3, stride = 2, bias = true);
  let p7 = p6 |> relu() |> conv(pyramid, 3, stride = 2, bias = true);

  // One head for the classes and one for the boxes, the same on all maps.
  output cls3 = share cls { p3 |> head(pyramid, anchors * classes) };
  output cls4 = share cls { p4 |> head(pyramid, anchors * classes) };
  output cls5 = share cls { p5 |> head(pyramid, anchors * classes) };
  output cls6 = share cls { p6 |> head(pyramid, anchors * classes) };
  output cls7 = share cls { p7 |> head(pyramid, anchors * classes) };
  output box3 = share box { p3 |> head(pyramid, anchors * 4) };
  output box4 = share box { p4 |> head(pyramid, anchors * 4) };
  output box5 = share box { p5 |> head(pyramid, anchors * 4) };
  output box6 = share box { p6 |> head(pyramid, anchors * 4) };
  output box7 = share box { p7 |> head(pyramid, anchors * 4) };
}
