// SPDX-License-Identifier: Apache-2.0
// Calibration images as every stage reads them, wherever they come from: a dataset's are decoded,
// synthetic ones read from the cache.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/Preprocess.hpp"
#include "engine/DataUse.hpp"
#include "engine/StageCache.hpp"
#include "store/Bundle.hpp"

namespace aocq::engine {

// Synthetic images [first, last) of a model and a seed.
struct SyntheticUnit {
    std::string key;
    std::int64_t first, last;
};

// The [0, use.images) images in units of as many as are synthesized at once, without their keys.
std::vector<SyntheticUnit> synthetic_units(const DataUse& use);

// images [last - first, 3, S, S] f32, contiguous, on the CPU
store::Bundle synthetic_bundle(const at::Tensor& images, Json attributes);

struct CalibrationSource {
    const DataUse& use;
    const data::Preprocess& preprocess;
    std::uint64_t seed;
    const std::vector<SyntheticUnit>& synthetic;  // {} where there is a dataset
    const StageCache& cache;
};

// Images [first, last) of the calibration images in batches, in order: `use_batch(images
// [b, 3, S, S] f32 on the CPU, number of the first)`. Synthetic images that are not there or
// damaged are a StaleInput.
void for_each_calibration_batch(
    const CalibrationSource& source, std::int64_t first, std::int64_t last,
    const std::function<void(const at::Tensor&, std::int64_t)>& use_batch);

}  // namespace aocq::engine
