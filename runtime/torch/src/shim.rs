//! What training needs of libtorch and the crate `tch` does not bind: seeds, memory formats, fused optimisers, clipping,
//! Dirichlet samples with their gradient. The C++ half is in `shim/`.
//!
//! The only file of the project with unsafe code. Tensors cross as the pointers that `tch` holds; every function of the other
//! side returns null or a message, so no exception crosses.
// Calling C++ is what this file is for.
#![allow(unsafe_code)]

use std::borrow::Borrow;
use std::ffi::{CStr, c_char, c_void};
use std::marker::PhantomData;
use tch::{TchError, Tensor};

unsafe extern "C" {
    fn nasc_free(message: *mut c_char);
    fn nasc_manual_seed(seed: u64) -> *mut c_char;
    fn nasc_load_cuda() -> *mut c_char;
    fn nasc_channels_last(out: *mut c_void, tensor: *const c_void) -> *mut c_char;
    fn nasc_clip_grad_norm(gradients: *const *const c_void, count: usize, limit: f64) -> *mut c_char;
    fn nasc_fused_sgd(
        tensors: *const *const c_void,
        gradients: *const *const c_void,
        buffers: *const *const c_void,
        count: usize,
        rate: f64,
        momentum: f64,
        weight_decay: f64,
        nesterov: bool,
    ) -> *mut c_char;
    fn nasc_fused_adam(
        tensors: *const *const c_void,
        gradients: *const *const c_void,
        means: *const *const c_void,
        squares: *const *const c_void,
        count: usize,
        rate: f64,
        beta1: f64,
        beta2: f64,
        steps: *const u64,
        weight_decay: f64,
        epsilon: f64,
        decoupled: bool,
    ) -> *mut c_char;
    fn nasc_dirichlet_rsample(out: *mut c_void, concentration: *const c_void) -> *mut c_char;
    fn nasc_combine(out: *mut c_void, terms: *const Term, count: usize, of_batch: bool) -> *mut c_char;
    fn nasc_shared(out: *mut c_void, tensor: *const c_void, normalised: bool) -> *mut c_char;
    fn nasc_branches(
        outs: *const *mut c_void,
        before: *const Before,
        branches: *const Branch,
        count: usize,
        of_batch: bool,
    ) -> *mut c_char;
}

/// Numbers of an SGD step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Learning rate.
    pub rate: f64,
    /// How much of the last update is kept.
    pub momentum: f64,
    /// Added to the gradient, times the weight.
    pub weight_decay: f64,
    /// Nesterov's form of momentum.
    pub nesterov: bool,
}

/// Numbers of an Adam step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Step size.
    pub rate: f64,
    /// Decay of the running mean and of the running mean square.
    pub betas: (f64, f64),
    /// Added to the gradient, times the parameter; or where `decoupled`, taken off the parameter, times the step size and it.
    pub weight_decay: f64,
    /// Whether weight decay goes past the gradient, which makes it AdamW.
    pub decoupled: bool,
    /// Added to the root of the mean square.
    pub epsilon: f64,
}

/// Seeds libtorch's generators, of the CPU and of every CUDA device.
pub fn manual_seed(seed: i64) {
    // SAFETY: takes a number. It cannot fail: a generator takes any seed.
    let message = unsafe { nasc_manual_seed(seed as u64) };
    debug_assert!(check(message).is_ok(), "a generator takes any seed");
}

/// Opens libtorch's CUDA half, which takes a second and makes `Device::Cuda` usable; afterwards `tch::Cuda::is_available` says
/// whether there is a device. An error if it is not installed beside the libtorch of this program.
pub fn load_cuda() -> Result<(), TchError> {
    // SAFETY: no arguments.
    check(unsafe { nasc_load_cuda() })
}

/// The same values with channels innermost in memory, of a 4-d tensor. No copy if they are already.
pub fn channels_last(tensor: &Tensor) -> Result<Tensor, TchError> {
    // SAFETY: both pointers are tensors that outlive the call.
    written(|out| unsafe { nasc_channels_last(out, tensor.as_ptr().cast()) })
}

/// Scales gradients in place so that the norm of all of them together is at most `limit`. On the CPU a norm that is not finite
/// is an error; elsewhere looking would wait for the device, and the next loss tells.
pub fn clip_grad_norm<T: Borrow<Tensor>>(gradients: &[T], limit: f64) -> Result<(), TchError> {
    let gradients = pointers(gradients);
    // SAFETY: `gradients` holds that many tensors that outlive the call.
    check(unsafe { nasc_clip_grad_norm(gradients.as_ptr(), gradients.len(), limit) })
}

/// A step of SGD in place. A buffer of zeros stands for "no step yet", which makes the first step the plain gradient.
pub fn fused_sgd<T: Borrow<Tensor>>(tensors: &[T], gradients: &[T], buffers: &[T], hyper: &Sgd) -> Result<(), TchError> {
    same_count(tensors, &[gradients, buffers])?;
    let (tensors, gradients, buffers) = (pointers(tensors), pointers(gradients), pointers(buffers));
    let Sgd { rate, momentum, weight_decay, nesterov } = *hyper;
    // SAFETY: each of the three holds `tensors.len()` tensors that outlive the call.
    check(unsafe {
        nasc_fused_sgd(
            tensors.as_ptr(),
            gradients.as_ptr(),
            buffers.as_ptr(),
            tensors.len(),
            rate,
            momentum,
            weight_decay,
            nesterov,
        )
    })
}

/// A step of Adam in place. `steps` are its numbers, from 1, one a tensor: tensors may have missed steps.
pub fn fused_adam<T: Borrow<Tensor>>(
    tensors: &[T],
    gradients: &[T],
    means: &[T],
    squares: &[T],
    steps: &[u64],
    hyper: &Adam,
) -> Result<(), TchError> {
    same_count(tensors, &[gradients, means, squares])?;
    if steps.len() != tensors.len() {
        return Err(TchError::Shape(format!("{} tensors and the numbers of {} steps", tensors.len(), steps.len())));
    }
    let (tensors, gradients) = (pointers(tensors), pointers(gradients));
    let (means, squares) = (pointers(means), pointers(squares));
    let Adam { rate, betas, weight_decay, decoupled, epsilon } = *hyper;
    // SAFETY: each of the four holds `tensors.len()` tensors that outlive the call, and `steps` as many numbers.
    check(unsafe {
        nasc_fused_adam(
            tensors.as_ptr(),
            gradients.as_ptr(),
            means.as_ptr(),
            squares.as_ptr(),
            tensors.len(),
            rate,
            betas.0,
            betas.1,
            steps.as_ptr(),
            weight_decay,
            epsilon,
            decoupled,
        )
    })
}

/// A sample of the Dirichlet distribution of each row of `concentration`, `[rows, k]`, drawn from libtorch's generator. The
/// gradient is the exact pathwise one, as `torch.distributions.Dirichlet.rsample` has it.
pub fn dirichlet_rsample(concentration: &Tensor) -> Result<Tensor, TchError> {
    // SAFETY: both pointers are tensors that outlive the call.
    written(|out| unsafe { nasc_dirichlet_rsample(out, concentration.as_ptr().cast()) })
}

/// An operand of a sum as the other side reads it (`NascTerm`). Null pointers mean absence.
#[repr(C)]
#[derive(Debug)]
struct Term {
    x: *const c_void,
    scale: *const c_void,
    gamma: *const c_void,
    beta: *const c_void,
    mean: *const c_void,
    var: *const c_void,
    momentum: f64,
    epsilon: f64,
    alone: bool,
}

/// A batch-norm under a sum or before a convolution.
#[derive(Debug)]
pub struct Norm<'a> {
    /// Scale of each channel; 1 if absent.
    pub gamma: Option<&'a Tensor>,
    /// Shift of each channel; 0 if absent.
    pub beta: Option<&'a Tensor>,
    /// Kept means.
    pub mean: &'a Tensor,
    /// Kept variances.
    pub var: &'a Tensor,
    /// How far the kept ones move towards the batch's.
    pub momentum: f64,
    /// Added to the variance.
    pub epsilon: f64,
    /// Whether nothing else reads what is normalised. If branches made it, they then take part of the gradient's work.
    pub alone: bool,
}

/// The same tensor, for several sums to read: the gradients they have for it are then added up in one go. `normalised`: a norm
/// of a sum reads it.
pub fn shared(tensor: &Tensor, normalised: bool) -> Result<Tensor, TchError> {
    // SAFETY: both pointers are tensors that outlive the call.
    written(|out| unsafe { nasc_shared(out, tensor.as_ptr().cast(), normalised) })
}

/// A sum of scaled tensors, some of them normalised first, computed in one go and differentiable once.
#[derive(Debug, Default)]
pub struct Sum<'a> {
    terms: Vec<Term>,
    /// The terms point to tensors that live at least so long.
    borrowed: PhantomData<&'a Tensor>,
}

impl<'a> Sum<'a> {
    /// Adds `scale * x`; the scale is a scalar tensor, 1 if absent.
    pub fn add(&mut self, x: &'a Tensor, scale: Option<&'a Tensor>) {
        let null = std::ptr::null;
        let (x, scale) = (x.as_ptr().cast(), optional(scale));
        let (gamma, beta, mean, var) = (null(), null(), null(), null());
        self.terms.push(Term { x, scale, gamma, beta, mean, var, momentum: 0.0, epsilon: 0.0, alone: false });
    }

    /// Adds `scale * batch_norm(x)`.
    pub fn add_normalised(&mut self, x: &'a Tensor, scale: Option<&'a Tensor>, norm: &Norm<'a>) {
        self.terms.push(Term {
            x: x.as_ptr().cast(),
            scale: optional(scale),
            gamma: optional(norm.gamma),
            beta: optional(norm.beta),
            mean: norm.mean.as_ptr().cast(),
            var: norm.var.as_ptr().cast(),
            momentum: norm.momentum,
            epsilon: norm.epsilon,
            alone: norm.alone,
        });
    }

    /// The sum. `of_batch`: norms take the statistics of `x` and move the kept ones; else they take the kept ones.
    pub fn compute(self, of_batch: bool) -> Result<Tensor, TchError> {
        // SAFETY: the terms' tensors are borrowed for as long as the sum lives.
        written(|out| unsafe { nasc_combine(out, self.terms.as_ptr(), self.terms.len(), of_batch) })
    }
}

/// What branches share, as the other side reads it (`NascBefore`). Null pointers mean absence.
#[repr(C)]
#[derive(Debug)]
struct Before {
    x: *const c_void,
    gamma: *const c_void,
    beta: *const c_void,
    mean: *const c_void,
    var: *const c_void,
    momentum: f64,
    epsilon: f64,
    relu: bool,
    alone: bool,
}

/// A branch as the other side reads it (`NascBranch`).
#[repr(C)]
#[derive(Debug)]
struct Branch {
    deep: *const c_void,
    point: *const c_void,
    stride: i64,
    pad: i64,
    dilation: i64,
    normalised: bool,
}

/// Depthwise convolutions of one tensor, each perhaps with a 1x1 convolution behind it, computed in one go and differentiable
/// once. Before them the tensor is normalised, if it is said so, and its negative values become 0, likewise.
#[derive(Debug)]
pub struct Branches<'a> {
    before: Before,
    branches: Vec<Branch>,
    /// The pointers are of tensors that live at least so long.
    borrowed: PhantomData<&'a Tensor>,
}

/// How the windows of a depthwise convolution lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// From one to the next.
    pub stride: i64,
    /// Zeros around the picture.
    pub pad: i64,
    /// From one tap to the next.
    pub dilation: i64,
}

impl<'a> Branches<'a> {
    /// No branches yet, of `x`: `[n, c, h, w]`.
    pub fn new(x: &'a Tensor, norm: Option<&Norm<'a>>, relu: bool) -> Branches<'a> {
        let before = Before {
            x: x.as_ptr().cast(),
            gamma: optional(norm.and_then(|norm| norm.gamma)),
            beta: optional(norm.and_then(|norm| norm.beta)),
            mean: optional(norm.map(|norm| norm.mean)),
            var: optional(norm.map(|norm| norm.var)),
            momentum: norm.map_or(0.0, |norm| norm.momentum),
            epsilon: norm.map_or(0.0, |norm| norm.epsilon),
            relu,
            alone: norm.is_some_and(|norm| norm.alone),
        };
        Branches { before, branches: Vec::new(), borrowed: PhantomData }
    }

    /// Adds a depthwise convolution with weights `[c, 1, k, k]`, and the 1x1 convolution of its result with weights
    /// `[out, c, 1, 1]`. `normalised`: nothing will read the result but one [`Norm`] that is said to be alone.
    pub fn add(&mut self, deep: &'a Tensor, point: Option<&'a Tensor>, windows: Windows, normalised: bool) {
        let Windows { stride, pad, dilation } = windows;
        self.branches.push(Branch { deep: deep.as_ptr().cast(), point: optional(point), stride, pad, dilation, normalised });
    }

    /// The result of each branch. `of_batch`: the norm takes the statistics of `x` and moves the kept ones; else it takes the
    /// kept ones. It is also said of the norms behind, for which statistics are worked out on the way.
    pub fn compute(self, of_batch: bool) -> Result<Vec<Tensor>, TchError> {
        let mut outs: Vec<Tensor> = self.branches.iter().map(|_| Tensor::new()).collect();
        let pointers: Vec<*mut c_void> = outs.iter_mut().map(|out| out.as_mut_ptr().cast()).collect();
        let count = self.branches.len();
        // SAFETY: tensors are borrowed for as long as the branches live; there is a result for each of them.
        check(unsafe { nasc_branches(pointers.as_ptr(), &raw const self.before, self.branches.as_ptr(), count, of_batch) })?;
        Ok(outs)
    }
}

fn optional(tensor: Option<&Tensor>) -> *const c_void {
    tensor.map_or(std::ptr::null(), |tensor| tensor.as_ptr().cast())
}

fn pointers<T: Borrow<Tensor>>(tensors: &[T]) -> Vec<*const c_void> {
    tensors.iter().map(|tensor| tensor.borrow().as_ptr().cast()).collect()
}

fn same_count<T>(tensors: &[T], others: &[&[T]]) -> Result<(), TchError> {
    match others.iter().find(|other| other.len() != tensors.len()) {
        None => Ok(()),
        Some(other) => Err(TchError::Shape(format!("{} tensors and {} to go with them", tensors.len(), other.len()))),
    }
}

/// Runs a function that writes its result over a tensor.
fn written(call: impl FnOnce(*mut c_void) -> *mut c_char) -> Result<Tensor, TchError> {
    let mut out = Tensor::new();
    check(call(out.as_mut_ptr().cast()))?;
    Ok(out)
}

/// The message of the other side, if there is one.
fn check(message: *mut c_char) -> Result<(), TchError> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: the other side returns null or a string from malloc that is ours to free.
    let text = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
    unsafe { nasc_free(message) };
    Err(TchError::Torch(text))
}
