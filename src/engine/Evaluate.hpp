// SPDX-License-Identifier: Apache-2.0
// Runs a model over a range of evaluation images and keeps what each image leaves behind.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "data/Dataset.hpp"
#include "data/Preprocess.hpp"
#include "metrics/ImageResult.hpp"

namespace aocq::engine {

struct Lease {
    const data::Dataset& dataset;
    const data::Preprocess& preprocess;
    std::int64_t first, last;  // images [first, last) in canonical order
    int batch;
};

// images [b, 3, S, S] f32 on the CPU -> logits [b, classes] f32 on the CPU
using Forward = std::function<at::Tensor(const at::Tensor&)>;

// Logits of every image of the lease, [last - first, classes], row by row. Throws Stopped between
// batches.
struct LeaseLogits {
    std::int64_t classes = 0;
    std::vector<float> values;
    std::vector<std::int32_t> labels;
};
LeaseLogits run_lease(const Lease& lease, const Forward& forward, const std::stop_token& stop);

// One record per image; `reference` are the float model's logits of the same lease. A logit that is
// not finite is an Error(numeric) that names the image.
std::vector<metrics::ImageResult> judge(const Lease& lease, const LeaseLogits& logits,
                                        std::span<const float> reference);

// Batches of any list of images, in order: `use(images [b, 3, S, S], position of the first)`.
void for_each_batch(const data::Dataset& dataset, const data::Preprocess& preprocess,
                    std::vector<std::uint32_t> indices, int batch,
                    const std::function<void(const at::Tensor&, std::int64_t)>& use);

}  // namespace aocq::engine
