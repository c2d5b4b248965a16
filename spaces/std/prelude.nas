//! The primitives. One declaration says everything about one: types, weights, states, multiply-accumulates, meaning.
//! A back end adds only how to run it.
//!
//! `nested` names the parameters whose values are slices of each other: the operation at a smaller value is that at the largest on
//! cut tensors, as long as what it is `keeping` is the same. Any other chosen argument has a node for each of its values.
//!
//! `macs` is for the whole batch; without it an operation has none. Additions, comparisons and activations are not counted.

// Convolutions and matrix products.

/// 2-D cross-correlation with zero padding. The default padding keeps the size of odd kernels at stride 1.
extern op conv(x: f32[N, I, H, W], out: int, kernel: int, stride: int = 1, dilation: int = 1,
               pad: int = dilation * (kernel - 1) / 2, groups: int = 1, bias: bool = false) -> f32[N, out, OH, OW] {
  require out >= 1 and kernel >= 1, "`out` and `kernel` start at 1";
  require stride >= 1 and dilation >= 1, "`stride` and `dilation` start at 1";
  require pad >= 0, "padding is not negative";
  require groups >= 1, "`groups` starts at 1";
  require I % groups == 0 and out % groups == 0, "`groups` must divide the channels of the input and of the output";
  let OH = (H + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
  let OW = (W + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
  weight w: f32[out, I / groups, centre(kernel), centre(kernel)] = kaiming();
  weight b: f32[out] = zeros() if bias;
  macs = N * out * OH * OW * (I / groups) * kernel ^ 2;
  nested out, kernel, pad, groups keeping if groups == 1 { 0 } else { I / groups }, 2 * pad - dilation * (kernel - 1);
}

/// 1-D cross-correlation with zero padding.
extern op conv1d(x: f32[N, I, L], out: int, kernel: int, stride: int = 1, pad: int = (kernel - 1) / 2,
                 bias: bool = false) -> f32[N, out, OL] {
  require out >= 1 and kernel >= 1 and stride >= 1, "`out`, `kernel` and `stride` start at 1";
  require pad >= 0, "padding is not negative";
  let OL = (L + 2 * pad - kernel) / stride + 1;
  weight w: f32[out, I, centre(kernel)] = kaiming();
  weight b: f32[out] = zeros() if bias;
  macs = N * out * OL * I * kernel;
  nested out, kernel, pad keeping 2 * pad - kernel;
}

/// Transposed 2-D convolution without padding: with `kernel = stride` the size grows exactly that many times.
extern op conv_transpose(x: f32[N, I, H, W], out: int, kernel: int, stride: int = 2, bias: bool = false)
    -> f32[N, out, (H - 1) * stride + kernel, (W - 1) * stride + kernel] {
  require out >= 1 and kernel >= 1 and stride >= 1, "`out`, `kernel` and `stride` start at 1";
  weight w: f32[I, out, centre(kernel), centre(kernel)] = kaiming();
  weight b: f32[out] = zeros() if bias;
  macs = N * I * H * W * out * kernel ^ 2;
  nested out;
}

/// A matrix on the last dimension, whatever stands before it.
extern op linear(x: f32[*S, I], out: int, bias: bool = true) -> f32[*S, out] {
  require out >= 1, "`out` starts at 1";
  weight w: f32[out, I] = kaiming();
  weight b: f32[out] = zeros() if bias;
  macs = numel(S) * I * out;
  nested out;
}

/// A row of a table for each token.
extern op embedding(tokens: i64[*S], vocabulary: int, width: int) -> f32[*S, width] {
  require vocabulary >= 1 and width >= 1, "`vocabulary` and `width` start at 1";
  weight w: f32[vocabulary, width] = normal(0.02);
  nested width;
}

/// Rows of a given table, such as a `param` that is used twice.
extern op lookup(table: f32[V, D], tokens: i64[*S]) -> f32[*S, D];

// Normalisation.

/// Each channel to mean 0 and variance 1, by the batch's statistics in training and by the kept ones afterwards.
/// Source: Ioffe and Szegedy, ICML 2015.
extern op batch_norm(x: f32[N, C, *S], affine: bool = true, momentum: float = 0.1, eps: float = 1e-5) -> f32[N, C, *S] {
  weight gamma: f32[C] = ones() if affine;
  weight beta: f32[C] = zeros() if affine;
  state mean: f32[C] = zeros();
  state var: f32[C] = ones();
}

/// The last dimension to mean 0 and variance 1. Source: Ba, Kiros and Hinton, 2016.
extern op layer_norm(x: f32[*S, D], affine: bool = true, bias: bool = affine, eps: float = 1e-5) -> f32[*S, D] {
  require affine or not bias, "a bias needs `affine`";
  weight gamma: f32[D] = ones() if affine;
  weight beta: f32[D] = zeros() if bias;
}

/// x / (k + alpha / size * the sum of squares of `size` neighbouring channels) ^ beta, the channel itself in the middle.
/// Source: Krizhevsky, Sutskever and Hinton, NeurIPS 2012, section 3.3, with alpha divided by the size, as PyTorch does.
extern op lrn(x: f32[N, C, H, W], size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> f32[N, C, H, W] {
  require size >= 1 and size % 2 == 1, "`size` is odd: the channel itself is in the middle";
  require alpha >= 0 and k > 0, "`alpha` is not negative, and `k` is positive";
}

// Activations, element by element.

/// max(x, 0)
extern op relu(x: f32[*S]) -> f32[*S];
/// x where it is positive, `slope` times x elsewhere.
extern op leaky_relu(x: f32[*S], slope: float = 0.01) -> f32[*S];
/// min(max(x, 0), 6)
extern op relu6(x: f32[*S]) -> f32[*S];
/// x where it is positive, exp(x) - 1 elsewhere.
extern op elu(x: f32[*S]) -> f32[*S];
/// x times the normal distribution function of x, exactly (not the tanh form).
extern op gelu(x: f32[*S]) -> f32[*S];
/// x times sigmoid(x)
extern op silu(x: f32[*S]) -> f32[*S];
/// x times relu6(x + 3) / 6
extern op hswish(x: f32[*S]) -> f32[*S];
/// relu6(x + 3) / 6
extern op hsigmoid(x: f32[*S]) -> f32[*S];
/// 1 / (1 + exp(-x))
extern op sigmoid(x: f32[*S]) -> f32[*S];
/// The hyperbolic tangent.
extern op tanh(x: f32[*S]) -> f32[*S];
/// The square root.
extern op sqrt(x: f32[*S]) -> f32[*S];
/// Positive numbers that add up to 1 along an axis; -1 is the last one.
extern op softmax(x: f32[*S], axis: int = -1) -> f32[*S];
/// In training each element is zero with probability `p` and otherwise divided by 1 - p. Afterwards the identity.
extern op dropout(x: f32[*S], p: float) -> f32[*S] {
  require p >= 0 and p < 1, "`p` is a probability below 1";
}
/// Its input.
extern op identity(x: f32[*S]) -> f32[*S];
/// Zeros in its input's shape: no connection.
extern op zero(x: f32[*S]) -> f32[*S];

// Pooling and sizes. The default padding keeps the size of odd kernels at stride 1.

/// The largest element under the window. Padding never wins.
extern op max_pool(x: f32[N, C, H, W], kernel: int, stride: int = 1, pad: int = (kernel - 1) / 2) -> f32[N, C, OH, OW] {
  require kernel >= 1 and stride >= 1, "`kernel` and `stride` start at 1";
  require pad >= 0 and 2 * pad <= kernel, "padding is at most half of the kernel";
  let OH = (H + 2 * pad - kernel) / stride + 1;
  let OW = (W + 2 * pad - kernel) / stride + 1;
}

/// The mean under the window; padding is not counted.
extern op avg_pool(x: f32[N, C, H, W], kernel: int, stride: int = 1, pad: int = (kernel - 1) / 2) -> f32[N, C, OH, OW] {
  require kernel >= 1 and stride >= 1, "`kernel` and `stride` start at 1";
  require pad >= 0 and 2 * pad <= kernel, "padding is at most half of the kernel";
  let OH = (H + 2 * pad - kernel) / stride + 1;
  let OW = (W + 2 * pad - kernel) / stride + 1;
}

/// The mean of each channel.
extern op global_avg_pool(x: f32[N, C, H, W]) -> f32[N, C];

/// Every `stride`-th row and column, from the first.
extern op subsample(x: f32[N, C, H, W], stride: int) -> f32[N, C, (H + stride - 1) / stride, (W + stride - 1) / stride] {
  require stride >= 1, "`stride` starts at 1";
}

/// Without the first rows and columns.
extern op crop(x: f32[N, C, H, W], top: int = 0, left: int = 0) -> f32[N, C, H - top, W - left] {
  require top >= 0 and left >= 0, "what is cut off is not negative";
}

/// Rows and columns of zeros around a picture.
extern op zero_pad(x: f32[N, C, H, W], top: int = 0, bottom: int = 0, left: int = 0, right: int = 0)
    -> f32[N, C, top + H + bottom, left + W + right] {
  require top >= 0 and bottom >= 0 and left >= 0 and right >= 0, "padding is not negative";
}

/// Channels of zeros before and after its own.
extern op channel_pad(x: f32[N, C, H, W], before: int = 0, after: int = 0) -> f32[N, before + C + after, H, W] {
  require before >= 0 and after >= 0, "padding is not negative";
}

/// Each pixel `factor` times down and to the right: nearest neighbour.
extern op upsample(x: f32[N, C, H, W], factor: int = 2) -> f32[N, C, H * factor, W * factor] {
  require factor >= 1, "`factor` starts at 1";
}

// Losses and metrics: one number for the batch.

/// The mean of -log softmax(logits)[label] over all labels but `ignore`.
extern op cross_entropy(logits: f32[N, C, *S], label: i64[N, *S], ignore: int = -100) -> f32[];
/// The mean of (a - b)^2.
extern op mse(a: f32[*S], b: f32[*S]) -> f32[];
/// The mean of |a - b|.
extern op mae(a: f32[*S], b: f32[*S]) -> f32[];
/// The share of labels that the largest logit hits.
extern op accuracy(logits: f32[N, C, *S], label: i64[N, *S]) -> f32[];
