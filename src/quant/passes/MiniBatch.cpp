// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/MiniBatch.hpp"

#include <algorithm>

#include "core/Error.hpp"
#include "quant/kernels/StepGradient.hpp"

namespace aocq::quant {

std::vector<std::int64_t> draw_images(const std::vector<std::int64_t>& images, std::int64_t count,
                                      const RandomKey& key) {
    RandomStream stream(key);
    std::vector<std::int64_t> left = images, drawn;
    while (!left.empty() && static_cast<std::int64_t>(drawn.size()) < count) {
        const auto place =
            std::min(left.size() - 1,
                     static_cast<std::size_t>(stream.uniform() * static_cast<double>(left.size())));
        drawn.push_back(left[place]);
        left.erase(left.begin() + static_cast<std::ptrdiff_t>(place));
    }
    std::sort(drawn.begin(), drawn.end());
    return drawn;
}

std::vector<std::int64_t> evenly_spaced(std::int64_t count, std::int64_t most) {
    const std::int64_t taken = std::min(count, most);
    std::vector<std::int64_t> places;
    for (std::int64_t i = 0; i < taken; ++i) places.push_back(i * count / taken);
    return places;
}

std::vector<std::int64_t> thinned(const std::vector<std::int64_t>& images, std::int64_t most) {
    std::vector<std::int64_t> chosen;
    for (const std::int64_t place : evenly_spaced(static_cast<std::int64_t>(images.size()), most))
        chosen.push_back(images[static_cast<std::size_t>(place)]);
    return chosen;
}

at::Tensor index_of(const std::vector<std::int64_t>& places, const at::Device& device) {
    return at::tensor(at::ArrayRef<std::int64_t>(places.data(), places.size())).to(device);
}

at::Tensor spaced_rows(const at::Tensor& x, std::int64_t axis, std::int64_t most) {
    if (most == 0 || most >= x.size(axis)) return x.contiguous();
    return x.index_select(axis, index_of(evenly_spaced(x.size(axis), most), x.device()));
}

at::Tensor rows_of_images(const at::Tensor& value, const std::vector<std::int64_t>& images,
                          std::int64_t all) {
    AOCQ_EXPECT(value.size(0) % all == 0);
    std::vector<std::int64_t> sizes = value.sizes().vec(), split = sizes;
    split[0] = all;
    split.insert(split.begin() + 1, sizes[0] / all);
    sizes[0] = static_cast<std::int64_t>(images.size()) * split[1];
    return value.reshape(split).index_select(0, index_of(images, value.device())).reshape(sizes);
}

at::Tensor kept_values(at::IntArrayRef sizes, double probability, const RandomKey& key) {
    at::Tensor kept = at::empty(sizes, at::kByte);
    draw_kept(key, probability,
              {kept.mutable_data_ptr<std::uint8_t>(), static_cast<std::size_t>(kept.numel())});
    return kept;
}

}  // namespace aocq::quant
