// SPDX-License-Identifier: Apache-2.0
// What a scheme makes of a model's size and work: how much of it runs on quantized numbers.
#pragma once

#include <cstdint>
#include <span>

#include "nn/Accounting.hpp"
#include "quant/Scheme.hpp"

namespace aocq::quant {

struct Footprint {
    std::int64_t macs = 0;            // of one image
    std::int64_t quantized_macs = 0;  // of them, with both operands quantized where they are read
                                      // or where they were made
    std::int64_t float_bytes = 0;     // of all parameters as float32
    std::int64_t quantized_weight_bytes = 0;  // of them, of weights that the scheme quantizes
    // As the scheme stores it: quantized weights packed at their bits, with a float32 scale for
    // each grid and an 8-bit zero point where it is asymmetric; everything else as float32.
    std::int64_t bytes = 0;

    double memory_ratio() const {
        return static_cast<double>(bytes) / static_cast<double>(float_bytes);
    }
};

// `schemes` is parallel to `sites`, which are list_sites(graph). Parameters that a method adds and
// the grids of activations are not counted: together they are far below a percent.
Footprint footprint(const nn::Graph& graph, std::span<const Site> sites,
                    std::span<const SiteScheme> schemes, const nn::ModelCost& cost);

}  // namespace aocq::quant
