// SPDX-License-Identifier: Apache-2.0
// Puts channel outliers of the kind that large ViTs have into a small ViT without changing its
// function: the mirror image of channel balancing. Used for the embedded model only, and said so in
// its JSON.
#pragma once

#include <cstdint>

#include "nn/Executor.hpp"
#include "nn/Vit.hpp"

namespace aocq::nn {

struct OutlierOptions {
    std::uint64_t seed = 7;
    int channels = 3;  // per normalisation and per value projection
    double largest =
        24.0;       // factors are powers of two, log-uniform between largest / 4 and largest
    int pairs = 4;  // hidden channels added twice per block, see below
};

// The shape of the model to train, so that with_outliers gives `shape`: 2 * pairs hidden channels
// fewer.
VitShape shape_before_outliers(const VitShape& shape, const OutlierOptions& options);

// In each block:
//  * channels of norm1 and norm2 (gain and bias) are scaled up and the consumer's columns down;
//  * value channels are scaled up (their rows of qkv) and the columns of proj down;
//  * behind the GELU, where no scale passes, hidden channels are added in pairs: a scaled copy of a
//  trained row of fc1,
//    twice, whose two columns in fc2 cancel. The MLP then has activation outliers that carry
//    nothing.
// Float output is unchanged up to rounding.
Parameters with_outliers(const VitShape& shape, const Parameters& parameters,
                         const OutlierOptions& options);

}  // namespace aocq::nn
