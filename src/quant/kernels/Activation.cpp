// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Activation.hpp"

#include <utility>

#include "core/Error.hpp"

namespace aocq::quant {
namespace {

Activation dense(const std::vector<std::pair<Role, std::int64_t>>& axes) {
    Activation view;
    std::int64_t stride = 1;
    for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
        view.axes.insert(view.axes.begin(), Axis{axis->first, axis->second, stride});
        stride *= axis->second;
    }
    return view;
}

}  // namespace

Activation Activation::linear(std::int64_t images, std::int64_t tokens, std::int64_t channels) {
    return dense({{Role::image, images}, {Role::token, tokens}, {Role::channel, channels}});
}

Activation Activation::heads(std::int64_t images, std::int64_t heads, std::int64_t tokens,
                             std::int64_t width, std::int64_t windows) {
    return dense({{Role::image, images},
                  {Role::token, windows},
                  {Role::channel, heads},
                  {Role::token, tokens},
                  {Role::channel, width}});
}

Activation Activation::probabilities(std::int64_t images, std::int64_t heads, std::int64_t queries,
                                     std::int64_t keys, std::int64_t windows) {
    return dense({{Role::image, images},
                  {Role::token, windows},
                  {Role::channel, heads},
                  {Role::token, queries},
                  {Role::other, keys}});
}

Activation Activation::picture(std::int64_t images, std::int64_t channels, std::int64_t height,
                               std::int64_t width) {
    return dense({{Role::image, images},
                  {Role::channel, channels},
                  {Role::other, height},
                  {Role::other, width}});
}

std::int64_t Activation::extent(Role role) const {
    std::int64_t product = 1;
    for (const Axis& axis : axes) product *= axis.role == role ? axis.size : 1;
    return product;
}

std::int64_t Activation::values() const {
    std::int64_t product = 1;
    for (const Axis& axis : axes) product *= axis.size;
    return product;
}

std::int64_t Activation::span() const {
    if (values() == 0) return 0;
    std::int64_t last = 0;
    for (const Axis& axis : axes) {
        AOCQ_EXPECT(axis.size >= 0 && axis.stride >= 0);
        last += (axis.size - 1) * axis.stride;
    }
    return last + 1;
}

std::vector<Run> runs_of_image(const Activation& view) {
    AOCQ_EXPECT(!view.axes.empty() && view.axes.back().role != Role::image);
    std::vector<Run> runs{{0, 0, 0}};
    for (std::size_t i = 0; i < view.axes.size(); ++i) {
        const Axis& axis = view.axes[i];
        if (axis.role == Role::image) continue;
        if (i + 1 == view.axes.size()) {
            for (Run& run : runs) {
                if (axis.role == Role::channel) run.channel *= axis.size;
                if (axis.role == Role::token) run.token *= axis.size;
            }
            break;
        }
        std::vector<Run> finer;
        finer.reserve(runs.size() * static_cast<std::size_t>(axis.size));
        for (const Run& run : runs) {
            for (std::int64_t k = 0; k < axis.size; ++k) {
                Run next{run.offset + k * axis.stride, run.channel, run.token};
                if (axis.role == Role::channel) next.channel = run.channel * axis.size + k;
                if (axis.role == Role::token) next.token = run.token * axis.size + k;
                finer.push_back(next);
            }
        }
        runs = std::move(finer);
    }
    return runs;
}

std::int64_t offset_in_image(const Activation& view, std::int64_t index) {
    std::int64_t offset = 0;
    for (auto axis = view.axes.rbegin(); axis != view.axes.rend(); ++axis) {
        if (axis->role == Role::image) continue;
        offset += index % axis->size * axis->stride;
        index /= axis->size;
    }
    return offset;
}

}  // namespace aocq::quant
