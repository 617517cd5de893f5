// SPDX-License-Identifier: Apache-2.0
#include "nn/Windows.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "core/Error.hpp"

namespace aocq::nn {
namespace {

constexpr double far_apart = -100.0;  // added before the softmax, as in the original code
constexpr std::size_t most_remembered = 64;

using Key = std::vector<std::int64_t>;

// What depends on sizes only is made once per process: a pure function's values, so that nobody can
// tell. Kept until the process ends; a CUDA tensor must not be freed after its context.
template <class Make>
at::Tensor remembered(Key key, const at::Device& device, const Make& make) {
    static std::mutex mutex;
    static auto* const values = new std::map<Key, at::Tensor>;
    key.push_back(static_cast<std::int64_t>(device.type()));
    key.push_back(device.index());
    const std::lock_guard lock(mutex);
    if (const auto found = values->find(key); found != values->end()) return found->second;
    if (values->size() >= most_remembered) values->clear();
    return values->emplace(std::move(key), make()).first->second;
}

std::int64_t round_up(std::int64_t size, std::int64_t step) {
    return (size + step - 1) / step * step;
}

at::Tensor pad_to(const at::Tensor& map, std::int64_t height, std::int64_t width) {
    if (map.size(1) == height && map.size(2) == width) return map;
    return at::constant_pad_nd(map, {0, 0, 0, width - map.size(2), 0, height - map.size(1)}, 0);
}

at::Tensor make_index(std::int64_t window) {
    const std::int64_t places = window * window;
    at::Tensor index = at::empty({places, places}, at::kLong);
    auto* out = index.mutable_data_ptr<std::int64_t>();
    for (std::int64_t query = 0; query < places; ++query) {
        for (std::int64_t key = 0; key < places; ++key) {
            const std::int64_t down = query / window - key / window + window - 1;
            const std::int64_t right = query % window - key % window + window - 1;
            *out++ = down * (2 * window - 1) + right;
        }
    }
    return index;
}

// Which of the three stripes of a shifted axis a place is in.
std::int64_t stripe(std::int64_t place, std::int64_t size, std::int64_t window,
                    std::int64_t shift) {
    return (place >= size - window ? 1 : 0) + (place >= size - shift ? 1 : 0);
}

at::Tensor make_mask(std::int64_t height, std::int64_t width, std::int64_t window,
                     std::int64_t shift) {
    at::Tensor region = at::empty({1, height, width, 1});
    float* out = region.mutable_data_ptr<float>();
    for (std::int64_t y = 0; y < height; ++y) {
        for (std::int64_t x = 0; x < width; ++x) {
            *out++ = static_cast<float>(3 * stripe(y, height, window, shift) +
                                        stripe(x, width, window, shift));
        }
    }
    const at::Tensor places = window_partition(region, window).squeeze(-1);
    return at::ne(places.unsqueeze(1), places.unsqueeze(2)).to(at::kFloat) * far_apart;
}

}  // namespace

at::Tensor window_partition(const at::Tensor& map, std::int64_t window) {
    AOCQ_EXPECT(map.dim() == 4 && window > 0);
    const std::int64_t height = round_up(map.size(1), window),
                       width = round_up(map.size(2), window), channels = map.size(3);
    return pad_to(map, height, width)
        .reshape({map.size(0), height / window, window, width / window, window, channels})
        .permute({0, 1, 3, 2, 4, 5})
        .reshape({-1, window * window, channels});
}

at::Tensor window_reverse(const at::Tensor& windows, std::int64_t window, std::int64_t batch,
                          std::int64_t height, std::int64_t width) {
    const std::int64_t rows = round_up(height, window) / window,
                       columns = round_up(width, window) / window, channels = windows.size(-1);
    AOCQ_EXPECT(windows.size(0) == batch * rows * columns);
    return windows.reshape({batch, rows, columns, window, window, channels})
        .permute({0, 1, 3, 2, 4, 5})
        .reshape({batch, rows * window, columns * window, channels})
        .slice(1, 0, height)
        .slice(2, 0, width);
}

at::Tensor relative_position_index(std::int64_t window, const at::Device& device) {
    return remembered({0, window}, device, [&] { return make_index(window).to(device); });
}

at::Tensor shift_mask(std::int64_t height, std::int64_t width, std::int64_t window,
                      std::int64_t shift, const at::TensorOptions& options) {
    AOCQ_EXPECT(shift > 0 && shift < window);
    const std::int64_t h = round_up(height, window), w = round_up(width, window);
    const at::ScalarType type = c10::typeMetaToScalarType(options.dtype());
    return remembered({1, h, w, window, shift, static_cast<std::int64_t>(type)}, options.device(),
                      [&] { return make_mask(h, w, window, shift).to(options); });
}

at::Tensor merge_patches(const at::Tensor& map) {
    AOCQ_EXPECT(map.dim() == 4);
    const std::int64_t height = round_up(map.size(1), 2), width = round_up(map.size(2), 2);
    return pad_to(map, height, width)
        .reshape({map.size(0), height / 2, 2, width / 2, 2, map.size(3)})
        .permute({0, 1, 3, 4, 2, 5})
        .flatten(3);
}

}  // namespace aocq::nn
