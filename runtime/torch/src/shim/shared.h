// A tensor that several sums read: the place where its gradient comes together (`shared.cpp`).
#pragma once

#include "shim.h"

#include <ATen/core/ivalue.h>
#include <torch/csrc/autograd/custom_function.h>

// What readers leave with the tensor in place of a gradient each.
struct SharedState : torch::CustomClassHolder {
    // A part of the gradient: of_g * g + of_x * x + offset, each factor by channel, in this order in `spread`.
    struct Left {
        at::Tensor g;
        std::vector<float> spread;
    };
    std::vector<Left> left;
    // Mean and variance of each channel, once somebody has worked them out.
    std::vector<double> moments;
};

// The identity.
struct Shared : public torch::autograd::Function<Shared> {
    static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x, c10::intrusive_ptr<SharedState> state,
                              bool normalised);
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                   torch::autograd::variable_list gradients);

    // The state of a tensor that was shared; null of any other.
    static c10::intrusive_ptr<SharedState> of(const at::Tensor& x);
};
