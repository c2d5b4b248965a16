/// A lighter RetinaNet. Its structure is our assumption: the largest map has heads of its own, of 1x1 convolutions. One network.
/// Source: everything else is Lin, Goyal, Girshick, He and Dollar, "Focal Loss for Dense Object Detection", ICCV 2017, as in
/// `retinanet`.
///
/// Li and Ren, "Light-Weight RetinaNet for Object Detection", 2019, make RetinaNet cheaper where most of its work is and leave the
/// rest. We know that idea of theirs and not their layers, so no published number is about this network. The work that is
/// most is the heads on the largest map, three quarters of all that heads do.
use std.residual.{ bottlenecks };

/// Convolutions of one width, and one to the result.
op head(x, width: int, out: int, kernel: int) {
  for i in 0..4 { x = x |> conv(width, kernel, bias = true) |> relu(); }
  x |> conv(out, kernel, bias = true)
}

space retinanet_light(width: int = 64, pyramid: int = 256, classes: int = 80, anchors: int = 9, size: int = 800,
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

  output cls3 = p3 |> head(pyramid, anchors * classes, 1);
  output cls4 = share cls { p4 |> head(pyramid, anchors * classes, 3) };
  output cls5 = share cls { p5 |> head(pyramid, anchors * classes, 3) };
  output cls6 = share cls { p6 |> head(pyramid, anchors * classes, 3) };
  output cls7 = share cls { p7 |> head(pyramid, anchors * classes, 3) };
  output box3 = p3 |> head(pyramid, anchors * 4, 1);
  output box4 = share box { p4 |> head(pyramid, anchors * 4, 3) };
  output box5 = share box { p5 |> head(pyramid, anchors * 4, 3) };
  output box6 = share box { p6 |> head(pyramid, anchors * 4, 3) };
  output box7 = share box { p7 |> head(pyramid, anchors * 4, 3) };
}
