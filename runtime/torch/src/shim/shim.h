// What both halves of the shim share: tensors as opaque pointers, and the boundary that no exception crosses.
#pragma once

#include <ATen/ATen.h>
#include <cstdlib>
#include <cstring>
#include <exception>

// A tensor as the crate `tch` holds it: a pointer to an `at::Tensor`.
using TensorPointer = at::Tensor*;

inline std::vector<at::Tensor> tensors_of(const TensorPointer* pointers, size_t count) {
    std::vector<at::Tensor> tensors;
    tensors.reserve(count);
    for (size_t i = 0; i < count; ++i) tensors.push_back(*pointers[i]);
    return tensors;
}

// Runs `body`; returns null, or the message of what it threw, to be freed with `nasc_free`.
template <typename Body>
char* guarded(Body body) noexcept {
    try {
        body();
        return nullptr;
    } catch (const c10::Error& error) {
        return strdup(error.what_without_backtrace());
    } catch (const std::exception& error) {
        return strdup(error.what());
    } catch (...) {
        return strdup("libtorch threw something that is no exception");
    }
}
