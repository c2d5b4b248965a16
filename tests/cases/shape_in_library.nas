//# args: check
use std.conv.{ resnet_block };

space s() {
  input image: f32[N, 3, 9, 9];
  output y = image |> resnet_block(16, stride = 2);
}
