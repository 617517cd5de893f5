// SPDX-License-Identifier: Apache-2.0
// How calibration images are made without data (ImageSynthesis.hpp): the table
// [data.calibration.synthesis] of a study.
#pragma once

#include <array>

#include "core/Fields.hpp"
#include "core/Json.hpp"

namespace aocq::quant {

struct SynthesisOptions {
    // Of each of the two phases; 0: the clipped Gaussian noise that every image starts from.
    int iterations = 500;
    double rate = 0.2;  // of Adam at its peak; the authors take .25 for Swin
    // Largest shift in each phase, in pixels of an image of 224; scaled to the model's size.
    std::array<double, 2> jitter{15, 30};
    double entropy_weight = 1.0;
    double label_weight = 1.0;
    double variation_weight = 0.05;
    int at_once = 1;  // images per gradient step; may change bits (order of sums), so it is hashed
};

// Keys: iterations, rate, jitter (one number for each phase), entropy_weight, label_weight,
// variation_weight, at_once. Others are errors.
SynthesisOptions synthesis_options_from(Fields fields);
Json to_json(const SynthesisOptions& options);

}  // namespace aocq::quant
