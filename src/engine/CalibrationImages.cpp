// SPDX-License-Identifier: Apache-2.0
#include "engine/CalibrationImages.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "core/Error.hpp"
#include "engine/Evaluate.hpp"

namespace aocq::engine {
namespace {

at::Tensor read_unit(const StageCache& cache, const SyntheticUnit& unit, std::int64_t size) {
    const store::Bundle bundle = cache.read("synthetic", unit.key);
    const auto& values = bundle.values<float>("images");
    const std::int64_t count = unit.last - unit.first;
    if (static_cast<std::int64_t>(values.size()) != count * 3 * size * size) {
        throw Error::input("damaged file of synthetic images")
            .because("it does not hold the images that its key stands for")
            .at("file", cache.file("synthetic", unit.key).string());
    }
    return at::tensor(at::ArrayRef<float>(values.data(), values.size()))
        .view({count, 3, size, size});
}

// Read as they are needed: of many images only those of a batch are in memory.
void for_each_synthetic_batch(const CalibrationSource& source, std::int64_t first,
                              std::int64_t last,
                              const std::function<void(const at::Tensor&, std::int64_t)>& use) {
    const std::int64_t size = source.preprocess.image_size;
    for (std::int64_t from = first; from < last; from += source.use.batch) {
        const std::int64_t to = std::min<std::int64_t>(from + source.use.batch, last);
        std::vector<at::Tensor> parts;
        for (const SyntheticUnit& unit : source.synthetic) {
            if (unit.last <= from || unit.first >= to) continue;
            parts.push_back(read_unit(source.cache, unit, size)
                                .slice(0, std::max(from, unit.first) - unit.first,
                                       std::min(to, unit.last) - unit.first));
        }
        use(at::cat(parts), from - first);
    }
}

}  // namespace

std::vector<SyntheticUnit> synthetic_units(const DataUse& use) {
    std::vector<SyntheticUnit> units;
    if (!use.synthesis) return units;
    for (std::int64_t first = 0; first < use.images; first += use.synthesis->at_once)
        units.push_back({"", first, std::min(first + use.synthesis->at_once, use.images)});
    return units;
}

store::Bundle synthetic_bundle(const at::Tensor& images, Json attributes) {
    store::Bundle bundle{"synthetic", std::move(attributes), {}};
    const float* values = images.const_data_ptr<float>();
    bundle.arrays.push_back({"images",
                             {images.sizes().begin(), images.sizes().end()},
                             std::vector<float>(values, values + images.numel())});
    return bundle;
}

void for_each_calibration_batch(
    const CalibrationSource& source, std::int64_t first, std::int64_t last,
    const std::function<void(const at::Tensor&, std::int64_t)>& use_batch) {
    const auto numbered = [&](const at::Tensor& images, std::int64_t position) {
        use_batch(images, first + position);
    };
    if (source.use.synthesis) {
        for_each_synthetic_batch(source, first, last, numbered);
        return;
    }
    const auto drawn = calibration_images(source.use.size(), source.use.images, source.seed);
    for_each_batch(*source.use.dataset, source.preprocess,
                   {drawn.begin() + first, drawn.begin() + last}, source.use.batch, numbered);
}

}  // namespace aocq::engine
