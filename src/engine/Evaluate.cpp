// SPDX-License-Identifier: Apache-2.0
#include "engine/Evaluate.hpp"

#include <ATen/ATen.h>

#include <numeric>

#include "data/Loader.hpp"
#include "engine/dispatch/UnitRunner.hpp"
#include "metrics/Divergence.hpp"
#include "metrics/TopK.hpp"

namespace aocq::engine {
namespace {

// A view of the batch's pixels, valid as long as the batch.
at::Tensor images_of(data::Batch& batch, int size) {
    return at::from_blob(batch.pixels.data(),
                         {static_cast<std::int64_t>(batch.labels.size()), 3, size, size},
                         at::kFloat);
}

}  // namespace

void for_each_batch(const data::Dataset& dataset, const data::Preprocess& preprocess,
                    std::vector<std::uint32_t> indices, int batch,
                    const std::function<void(const at::Tensor&, std::int64_t)>& use) {
    data::Loader loader(dataset, preprocess, std::move(indices),
                        {.batch = batch, .threads = 1, .queue = 2});
    while (auto ready = loader.next()) {
        use(images_of(*ready, preprocess.image_size), static_cast<std::int64_t>(ready->first));
    }
}

LeaseLogits run_lease(const Lease& lease, const Forward& forward, const std::stop_token& stop) {
    std::vector<std::uint32_t> indices(static_cast<std::size_t>(lease.last - lease.first));
    std::iota(indices.begin(), indices.end(), static_cast<std::uint32_t>(lease.first));
    LeaseLogits result;
    for_each_batch(lease.dataset, lease.preprocess, indices, lease.batch,
                   [&](const at::Tensor& images, std::int64_t) {
                       if (stop.stop_requested()) throw Stopped();
                       const at::Tensor logits = forward(images).contiguous();
                       result.classes = logits.size(1);
                       const float* row = logits.const_data_ptr<float>();
                       result.values.insert(result.values.end(), row, row + logits.numel());
                   });
    for (const auto index : indices) result.labels.push_back(lease.dataset.label(index));
    return result;
}

std::vector<metrics::ImageResult> judge(const Lease& lease, const LeaseLogits& logits,
                                        std::span<const float> reference) {
    AOCQ_EXPECT(reference.size() == logits.values.size());
    const auto classes = static_cast<std::size_t>(logits.classes);
    std::vector<metrics::ImageResult> records;
    for (std::size_t i = 0; i < logits.labels.size(); ++i) {
        const std::span<const float> mine(logits.values.data() + i * classes, classes);
        const std::span<const float> theirs = reference.subspan(i * classes, classes);
        const auto index = static_cast<std::size_t>(lease.first) + i;
        try {
            metrics::ImageResult record;
            record.index = static_cast<std::uint32_t>(index);
            record.label = logits.labels[i];
            record.top5 = metrics::top5(mine);
            record.kl = metrics::kl_divergence(theirs, mine);
            record.agrees = record.top5[0] == metrics::top5(theirs)[0];
            records.push_back(record);
        } catch (Error& error) {
            throw error.at("image", lease.dataset.name(index));
        }
    }
    return records;
}

}  // namespace aocq::engine
