// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Accumulate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "core/Error.hpp"
#include "quant/kernels/Clones.hpp"
#include "quant/kernels/Histogram.hpp"
#include "quant/kernels/Merge.hpp"
#include "quant/kernels/Reduce.hpp"

namespace aocq::quant {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

// Each value of a run belongs to the next channel.
AOCQ_CLONES void spread_extremes(const float* __restrict x, std::int64_t n, float* __restrict low,
                                 float* __restrict high, double* __restrict sums) {
    for (std::int64_t i = 0; i < n; ++i) {
        const float v = x[i];
        low[i] = v < low[i] ? v : low[i];
        high[i] = v > high[i] ? v : high[i];
        sums[i] += static_cast<double>(v);
    }
}

AOCQ_CLONES void spread_squares(const float* __restrict x, std::int64_t n,
                                const double* __restrict mean, double* __restrict m2) {
    for (std::int64_t i = 0; i < n; ++i) {
        const double d = static_cast<double>(x[i]) - mean[i];
        m2[i] += d * d;
    }
}

}  // namespace

struct StatisticsAccumulator::State {
    AccumulatorOptions options;
    RandomKey site_key{0};
    store::SiteStatistics all;
    HistogramCounter histogram;
    std::int64_t next_image = 0;

    // The layout of the last call, and one image's figures (kept to save allocations).
    std::vector<Axis> axes;
    std::vector<Run> runs;
    std::vector<float> low, high, token_absmax, gathered;
    std::vector<double> mean, m2;

    void prepare(const Activation& view);
    std::span<const float> values_of(const float* image, const Run& run, const Axis& last);
    void first_pass(const float* image, const Axis& last);
    void second_pass(const float* image, const Axis& last);
    void expect_finite(const float* image, const Axis& last, std::int64_t index);
    void fold(std::int64_t values);
    void draw_samples(const float* image, const Activation& view, std::int64_t values,
                      std::int64_t index);
};

void StatisticsAccumulator::State::prepare(const Activation& view) {
    if (view.axes == axes) return;
    AOCQ_EXPECT(std::count_if(view.axes.begin(), view.axes.end(),
                              [](const Axis& axis) { return axis.role == Role::image; }) == 1);
    runs = runs_of_image(view);
    axes = view.axes;
    const auto channels = static_cast<std::size_t>(view.extent(Role::channel));
    AOCQ_EXPECT(all.count == 0 || channels == all.channel_min.size());
    low.resize(channels);
    high.resize(channels);
    mean.resize(channels);
    m2.resize(channels);
    token_absmax.resize(static_cast<std::size_t>(view.extent(Role::token)));
    gathered.resize(static_cast<std::size_t>(view.axes.back().size));
}

// The values of a run one after the other.
std::span<const float> StatisticsAccumulator::State::values_of(const float* image, const Run& run,
                                                               const Axis& last) {
    const auto n = static_cast<std::size_t>(last.size);
    if (last.stride == 1 || n == 1) return {image + run.offset, n};
    for (std::size_t i = 0; i < n; ++i) {
        gathered[i] = image[run.offset + static_cast<std::int64_t>(i) * last.stride];
    }
    return gathered;
}

// Extremes, and sums in `mean`.
void StatisticsAccumulator::State::first_pass(const float* image, const Axis& last) {
    std::fill(low.begin(), low.end(), infinity);
    std::fill(high.begin(), high.end(), -infinity);
    std::fill(mean.begin(), mean.end(), 0.0);
    std::fill(token_absmax.begin(), token_absmax.end(), 0.0F);
    for (const Run& run : runs) {
        const std::span<const float> x = values_of(image, run, last);
        const auto c = static_cast<std::size_t>(run.channel);
        float* token = token_absmax.data() + run.token;
        if (last.role == Role::channel) {
            spread_extremes(x.data(), last.size, &low[c], &high[c], &mean[c]);
            *token = std::max(*token, abs_max(x));
            continue;
        }
        const Range range = min_max(x);
        low[c] = std::min(low[c], range.low);
        high[c] = std::max(high[c], range.high);
        mean[c] += sum(x);
        if (last.role == Role::token) {
            for (std::size_t i = 0; i < x.size(); ++i) {
                token[i] = std::max(token[i], std::abs(x[i]));
            }
        } else {
            *token = std::max(*token, std::max(std::abs(range.low), std::abs(range.high)));
        }
    }
}

// Deviations from the means, and the histogram.
void StatisticsAccumulator::State::second_pass(const float* image, const Axis& last) {
    std::fill(m2.begin(), m2.end(), 0.0);
    for (const Run& run : runs) {
        const std::span<const float> x = values_of(image, run, last);
        const auto c = static_cast<std::size_t>(run.channel);
        if (last.role == Role::channel) {
            spread_squares(x.data(), last.size, &mean[c], &m2[c]);
        } else {
            m2[c] += sum_of_squares(x, mean[c]);
        }
        histogram.add(x);
    }
}

// A sum of floats in double overflows only if one of them is not finite.
void StatisticsAccumulator::State::expect_finite(const float* image, const Axis& last,
                                                 std::int64_t index) {
    if (std::all_of(mean.begin(), mean.end(), [](double s) { return std::isfinite(s); })) return;
    for (const Run& run : runs) {
        const std::span<const float> x = values_of(image, run, last);
        const auto bad =
            std::find_if(x.begin(), x.end(), [](float v) { return !std::isfinite(v); });
        if (bad == x.end()) continue;
        const std::int64_t along = bad - x.begin();
        throw Error::numeric("an activation is not finite")
            .because("the float model overflows here or its weights are damaged")
            .advise("check the weights file and the input images")
            .at("site", options.site)
            .at("image", fmt::format("{}", index))
            .at("channel",
                fmt::format("{}", run.channel + (last.role == Role::channel ? along : 0)))
            .at("token", fmt::format("{}", run.token + (last.role == Role::token ? along : 0)))
            .found(fmt::format("{}", *bad));
    }
    AOCQ_ENSURE(!"a sum is not finite though every value is");
}

// Appends one image's figures to those of the images before it.
void StatisticsAccumulator::State::fold(std::int64_t values) {
    const bool first = all.count == 0;
    const std::int64_t per_channel = values / static_cast<std::int64_t>(mean.size());
    if (first) {
        all.channel_min = low;
        all.channel_max = high;
        all.channel_mean = mean;
        all.channel_m2 = m2;
    } else {
        for (std::size_t c = 0; c < low.size(); ++c) {
            all.channel_min[c] = std::min(all.channel_min[c], low[c]);
            all.channel_max[c] = std::max(all.channel_max[c], high[c]);
        }
        merge_moments(all.channel_mean, all.channel_m2, all.channel_count, mean, m2, per_channel);
    }
    all.channel_count += per_channel;
    const float least = *std::min_element(low.begin(), low.end());
    const float most = *std::max_element(high.begin(), high.end());
    all.minimum = first ? least : std::min(all.minimum, least);
    all.maximum = first ? most : std::max(all.maximum, most);
    all.image_min.push_back(least);
    all.image_max.push_back(most);
    all.token_absmax.resize(std::max(all.token_absmax.size(), token_absmax.size()));
    for (std::size_t t = 0; t < token_absmax.size(); ++t) {
        all.token_absmax[t] = std::max(all.token_absmax[t], token_absmax[t]);
    }
    all.count += values;
}

void StatisticsAccumulator::State::draw_samples(const float* image, const Activation& view,
                                                std::int64_t values, std::int64_t index) {
    const std::int64_t wanted = options.samples_per_image;
    if (values <= wanted) {
        for (std::int64_t i = 0; i < values; ++i) {
            all.samples.push_back(image[offset_in_image(view, i)]);
        }
        return;
    }
    AOCQ_EXPECT(values <= std::numeric_limits<std::uint32_t>::max());
    RandomStream stream(site_key.child(static_cast<std::uint64_t>(index)));
    for (std::int64_t i = 0; i < wanted; ++i) {
        const std::int64_t place = stream.below(static_cast<std::uint32_t>(values));
        all.samples.push_back(image[offset_in_image(view, place)]);
    }
}

StatisticsAccumulator::StatisticsAccumulator(AccumulatorOptions options)
    : state_(std::make_unique<State>()) {
    AOCQ_EXPECT(options.samples_per_image >= 0);
    state_->site_key = options.key.child(options.site);
    state_->all.site = options.site;
    state_->all.kind = options.kind;
    state_->options = std::move(options);
}

StatisticsAccumulator::~StatisticsAccumulator() = default;
StatisticsAccumulator::StatisticsAccumulator(StatisticsAccumulator&&) noexcept = default;
StatisticsAccumulator& StatisticsAccumulator::operator=(StatisticsAccumulator&&) noexcept = default;

void StatisticsAccumulator::add(std::span<const float> x, const Activation& view,
                                std::int64_t first_image) {
    State& state = *state_;
    AOCQ_EXPECT(first_image >= state.next_image);
    AOCQ_EXPECT(view.span() <= static_cast<std::int64_t>(x.size()));
    if (view.values() == 0) return;
    state.prepare(view);
    const Axis& last = view.axes.back();
    const Axis& images = *std::find_if(view.axes.begin(), view.axes.end(),
                                       [](const Axis& axis) { return axis.role == Role::image; });
    const std::int64_t values = view.values() / images.size;
    const std::int64_t per_channel = values / view.extent(Role::channel);
    for (std::int64_t i = 0; i < images.size; ++i) {
        const float* image = x.data() + i * images.stride;
        state.first_pass(image, last);
        state.expect_finite(image, last, first_image + i);
        for (double& sum : state.mean) sum /= static_cast<double>(per_channel);
        state.second_pass(image, last);
        state.fold(values);
        state.draw_samples(image, view, values, first_image + i);
        state.next_image = first_image + i + 1;
    }
}

store::SiteStatistics StatisticsAccumulator::result() const {
    store::SiteStatistics result = state_->all;
    result.histogram.resize(static_cast<std::size_t>(histogram_bins));
    for (int bin = 0; bin < histogram_bins; ++bin) {
        result.histogram[static_cast<std::size_t>(bin)] = state_->histogram.count(bin);
    }
    return result;
}

}  // namespace aocq::quant
