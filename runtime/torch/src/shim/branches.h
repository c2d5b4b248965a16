// Branches of depthwise convolutions as other nodes see them (`branches.cpp`).
//
// A norm behind a branch turns its gradient g into of_g * g + of_x * out + offset, channel by channel. It does not write that to
// memory where nothing else reads `out`: it leaves the three factors with the node that made `out` and passes on g, and that
// node works the gradient out picture by picture, in the cache. Likewise the node that makes `out` has its moments at hand.
#pragma once

#include "deep_geometry.h"
#include "shim.h"

#include <ATen/core/ivalue.h>
#include <torch/csrc/autograd/custom_function.h>

struct BranchesState;

// The node that made a tensor, where it is of branches and lets its reader leave the gradient to it.
struct Maker {
    c10::intrusive_ptr<BranchesState> state;
    size_t number = 0;  // of the result

    static Maker of(const at::Tensor& x);
    explicit operator bool() const { return state.defined(); }
    // Mean and variance of each channel, if they were computed.
    const std::vector<double>* moments() const;
    // Takes of_g, of_x and offset of each channel.
    void leave(std::vector<float> spread) const;
};

// What a node of branches knows beside its tensors.
struct BranchesState : torch::CustomClassHolder {
    std::vector<deep::Window> windows;
    at::Tensor mean, var;           // kept statistics of the norm before
    int64_t gamma = -1, beta = -1;  // among the inputs
    double momentum = 0, epsilon = 0;
    bool norm = false, relu = false, of_batch = false;
    Maker before;  // of x, if its gradient may be left there
    int64_t inputs = 0;
    // By result: its moments, or none; and what was left of its gradient.
    std::vector<std::vector<double>> moments;
    std::vector<std::vector<float>> spreads;
};

inline const std::vector<double>* Maker::moments() const {
    if (!state.defined() || state->moments[number].empty()) return nullptr;
    return &state->moments[number];
}

inline void Maker::leave(std::vector<float> spread) const { state->spreads[number] = std::move(spread); }

// Inputs: x, then all weights. Saved: inputs, statistics and affine factors of the norm, results that are normalised.
struct Branches : public torch::autograd::Function<Branches> {
    static torch::autograd::variable_list forward(torch::autograd::AutogradContext* ctx, at::TensorList inputs,
                                                  c10::intrusive_ptr<BranchesState> state);
    static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                   torch::autograd::variable_list gradients);

    static c10::intrusive_ptr<BranchesState> state_of(const torch::autograd::AutogradContext& ctx) {
        return c10::static_intrusive_pointer_cast<BranchesState>(ctx.saved_data.at("state").toCapsule());
    }

private:
    static void through_norm(const BranchesState& state, const torch::autograd::variable_list& saved,
                             const std::vector<double>& sums, at::Tensor& gradient, bool of_gamma, bool of_beta,
                             torch::autograd::variable_list& results);
};
