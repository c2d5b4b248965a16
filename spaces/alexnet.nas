/// AlexNet: five convolutions, three of them in two groups, and three fully connected layers. One network.
/// Source: Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NeurIPS 2012.
///
/// Sizes are those of the reference model that comes with Caffe: pictures of 227x227, and a normalisation with k = 1 whose alpha is
/// divided by its size. (The paper has k = 2 and an alpha that is not divided; its pictures of 224x224 do not fit its layers.)
///
/// `unit` is a third of the channels of the first convolution: 32 for 96.
space alexnet(unit: int = 32, hidden: int = 4096, classes: int = 1000, size: int = 227, rate: float = 0.5) {
  input image: f32[N, 3, size, size];
  input label: i64[N];

  let c1 = image |> conv(3 * unit, 11, stride = 4, pad = 0, bias = true) |> relu() |> lrn() |> max_pool(3, stride = 2, pad = 0);
  let c2 = c1 |> conv(8 * unit, 5, groups = 2, bias = true) |> relu() |> lrn() |> max_pool(3, stride = 2, pad = 0);
  let c3 = c2 |> conv(12 * unit, 3, bias = true) |> relu();
  let c4 = c3 |> conv(12 * unit, 3, groups = 2, bias = true) |> relu();
  let c5 = c4 |> conv(8 * unit, 3, groups = 2, bias = true) |> relu() |> max_pool(3, stride = 2, pad = 0);
  let features = c5 |> rearrange("n c h w -> n (c h w)");

  output logits = features |> linear(hidden) |> relu() |> dropout(rate) |> linear(hidden) |> relu() |> dropout(rate)
    |> linear(classes);
  loss cross_entropy(logits, label);
  metric accuracy(logits, label);
}
