/// ResNet-50 for pictures of 224x224 and 1,000 classes. One network.
/// Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.
///
/// The stride of a stage is in its first 1x1 convolution, as in the authors' network for Caffe; with `stride_in_1x1 = false` it
/// is in the 3x3, as in torchvision's. The weights are as many, the multiply-accumulates are not.
use std.residual.{ bottlenecks };

space resnet50(width: int = 64, classes: int = 1000, size: int = 224, stride_in_1x1: bool = true) {
  require size % 32 == 0, "the picture is halved five times";

  input image: f32[N, 3, size, size];
  input label: i64[N];

  let stages = image |> bottlenecks([3, 4, 6, 3], width, stride_in_1x1 = stride_in_1x1);
  output logits = stages[3] |> global_avg_pool() |> linear(classes);
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}
