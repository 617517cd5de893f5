// SPDX-License-Identifier: Apache-2.0
#include "quant/kernels/Accumulate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "core/Error.hpp"
#include "quant/kernels/Histogram.hpp"
#include "quant/kernels/Values.hpp"
#include "quant/reference/Reference.hpp"

namespace aocq::quant {
namespace {

AccumulatorOptions options(std::int64_t samples = 8) {
    return {"blocks.0.mlp.fc1:input", "linear.input", RandomKey(42), samples};
}

store::SiteStatistics collect(std::span<const float> x, const Activation& view) {
    StatisticsAccumulator accumulator(options());
    accumulator.add(x, view, 0);
    return accumulator.result();
}

// Every value of a view with its channel and token, found by counting through the axes one by one.
struct Place {
    std::int64_t image = 0, channel = 0, token = 0;
    float value = 0;
};

std::vector<Place> places(std::span<const float> x, const Activation& view) {
    std::vector<Place> all;
    std::vector<std::int64_t> index(view.axes.size(), 0);
    for (std::int64_t n = 0; n < view.values(); ++n) {
        Place place;
        std::int64_t offset = 0;
        for (std::size_t i = 0; i < index.size(); ++i) {
            const Axis& axis = view.axes[i];
            offset += index[i] * axis.stride;
            if (axis.role == Role::image) place.image = index[i];
            if (axis.role == Role::channel) place.channel = place.channel * axis.size + index[i];
            if (axis.role == Role::token) place.token = place.token * axis.size + index[i];
        }
        place.value = x[static_cast<std::size_t>(offset)];
        all.push_back(place);
        for (std::size_t i = index.size(); i-- > 0;) {
            if (++index[i] < view.axes[i].size) break;
            index[i] = 0;
        }
    }
    return all;
}

void expect_equals_brute_force(std::span<const float> x, const Activation& view) {
    const store::SiteStatistics found = collect(x, view);
    const std::vector<Place> all = places(x, view);
    ASSERT_EQ(found.count, static_cast<std::int64_t>(all.size()));
    ASSERT_EQ(static_cast<std::int64_t>(found.channel_mean.size()), view.extent(Role::channel));
    ASSERT_EQ(static_cast<std::int64_t>(found.token_absmax.size()), view.extent(Role::token));
    std::vector<std::vector<float>> channels(found.channel_mean.size());
    std::vector<float> tokens(found.token_absmax.size(), 0.0F);
    std::vector<std::int64_t> histogram(static_cast<std::size_t>(histogram_bins));
    std::vector<float> least(found.image_min.size(), 1e30F);
    std::vector<float> most(found.image_max.size(), -1e30F);
    for (const Place& place : all) {
        channels[static_cast<std::size_t>(place.channel)].push_back(place.value);
        float& token = tokens[static_cast<std::size_t>(place.token)];
        token = std::max(token, std::abs(place.value));
        ++histogram[static_cast<std::size_t>(bin_of(place.value))];
        const auto image = static_cast<std::size_t>(place.image);
        least[image] = std::min(least[image], place.value);
        most[image] = std::max(most[image], place.value);
    }
    EXPECT_EQ(found.token_absmax, tokens);
    EXPECT_EQ(found.histogram, histogram);
    EXPECT_EQ(found.image_min, least);
    EXPECT_EQ(found.image_max, most);
    EXPECT_EQ(found.minimum, *std::min_element(least.begin(), least.end()));
    EXPECT_EQ(found.maximum, *std::max_element(most.begin(), most.end()));
    for (std::size_t c = 0; c < channels.size(); ++c) {
        const std::vector<float>& values = channels[c];
        ASSERT_EQ(found.channel_count, static_cast<std::int64_t>(values.size()));
        EXPECT_EQ(found.channel_min[c], *std::min_element(values.begin(), values.end()));
        EXPECT_EQ(found.channel_max[c], *std::max_element(values.begin(), values.end()));
        const reference::Moments wanted = reference::moments(values);
        EXPECT_NEAR(found.channel_mean[c], wanted.mean, 1e-12 * (1.0 + std::abs(wanted.mean)));
        EXPECT_NEAR(found.channel_m2[c], wanted.m2, 1e-10 * (1.0 + wanted.m2));
    }
}

TEST(Accumulate, LinearInputsHaveTheirChannelsAndTokens) {
    const auto x = test::normal_values("linear", 3 * 7 * 21, 2.0, 5.0);
    expect_equals_brute_force(x, Activation::linear(3, 7, 21));
    expect_equals_brute_force(x, Activation::linear(21, 1, 21));
}

TEST(Accumulate, HeadsMakeChannelsOfHeadAndWidth) {
    const auto x = test::normal_values("heads", 2 * 3 * 5 * 8);
    const Activation view = Activation::heads(2, 3, 5, 8);
    EXPECT_EQ(view.extent(Role::channel), 24);
    expect_equals_brute_force(x, view);
}

TEST(Accumulate, ProbabilitiesHaveHeadsAsChannelsAndQueriesAsTokens) {
    const auto x = test::normal_values("probabilities", 2 * 3 * 5 * 19);
    expect_equals_brute_force(x, Activation::probabilities(2, 3, 5, 19));
}

TEST(Accumulate, WindowsOfAnImageAreTokens) {
    const auto x = test::normal_values("windows", 2 * 4 * 3 * 5 * 8);
    const Activation view = Activation::heads(2, 3, 5, 8, 4);
    EXPECT_EQ(view.extent(Role::token), 20);
    EXPECT_EQ(view.extent(Role::channel), 24);
    expect_equals_brute_force(x, view);
    expect_equals_brute_force(x, Activation::probabilities(2, 3, 5, 8, 4));
}

TEST(Accumulate, PicturesHaveNoTokens) {
    const auto x = test::normal_values("pictures", 2 * 3 * 6 * 9);
    expect_equals_brute_force(x, Activation::picture(2, 3, 6, 9));
}

TEST(Accumulate, StridedViewsReadTheirValuesOnly) {
    const auto x = test::normal_values("strided", 4000);
    // q out of a fused [B, N, 3, H, D] with B = 2, N = 5, H = 3, D = 4, as [B, H, N, D]
    expect_equals_brute_force(x, {{{Role::image, 2, 180},
                                   {Role::channel, 3, 4},
                                   {Role::token, 5, 36},
                                   {Role::channel, 4, 1}}});
    // transposed: the last axis is the token's, contiguous or not
    expect_equals_brute_force(
        x, {{{Role::image, 2, 77}, {Role::channel, 7, 11}, {Role::token, 11, 1}}});
    expect_equals_brute_force(
        x, {{{Role::image, 3, 200}, {Role::token, 7, 1}, {Role::channel, 11, 7}}});
    // windows of an image are summed over; the image axis need not come first
    expect_equals_brute_force(x, {{{Role::other, 4, 30},
                                   {Role::image, 3, 120},
                                   {Role::token, 5, 6},
                                   {Role::channel, 6, 1}}});
}

bool equal(const store::SiteStatistics& a, const store::SiteStatistics& b) {
    return a.count == b.count && a.minimum == b.minimum && a.maximum == b.maximum &&
           a.channel_min == b.channel_min && a.channel_max == b.channel_max &&
           a.channel_mean == b.channel_mean && a.channel_m2 == b.channel_m2 &&
           a.channel_count == b.channel_count && a.token_absmax == b.token_absmax &&
           a.histogram == b.histogram && a.samples == b.samples && a.image_min == b.image_min &&
           a.image_max == b.image_max;
}

TEST(Accumulate, BatchingChangesNoBit) {
    const std::int64_t images = 12;
    const std::int64_t per_image = 9 * 17;
    const auto x = test::normal_values("batching", static_cast<std::size_t>(images * per_image));
    const auto whole = collect(x, Activation::linear(images, 9, 17));
    for (const std::int64_t batch :
         {std::int64_t{1}, std::int64_t{2}, std::int64_t{3}, std::int64_t{5}}) {
        StatisticsAccumulator accumulator(options());
        for (std::int64_t first = 0; first < images; first += batch) {
            const std::int64_t n = std::min(batch, images - first);
            const std::span part(x.data() + first * per_image,
                                 static_cast<std::size_t>(n * per_image));
            accumulator.add(part, Activation::linear(n, 9, 17), first);
        }
        EXPECT_TRUE(equal(accumulator.result(), whole)) << batch;
    }
}

TEST(Accumulate, SamplesDependOnKeySiteAndImageOnly) {
    const auto x = test::normal_values("samples", 4 * 200);
    const Activation view = Activation::linear(4, 10, 20);
    const auto all = collect(x, view);
    ASSERT_EQ(all.samples.size(), 32U);
    for (std::size_t i = 0; i < all.samples.size(); ++i) {
        const auto first = x.begin() + static_cast<std::ptrdiff_t>(i / 8 * 200);
        EXPECT_NE(std::find(first, first + 200, all.samples[i]), first + 200) << i;
    }
    // The third image alone gives the same values as among the others.
    StatisticsAccumulator third(options());
    third.add(std::span(x).subspan(400, 200), Activation::linear(1, 10, 20), 2);
    const std::vector<float> wanted(all.samples.begin() + 16, all.samples.begin() + 24);
    EXPECT_EQ(third.result().samples, wanted);
    AccumulatorOptions other = options();
    other.site = "blocks.1.mlp.fc1:input";
    StatisticsAccumulator elsewhere(other);
    elsewhere.add(x, view, 0);
    EXPECT_NE(elsewhere.result().samples, all.samples);
}

TEST(Accumulate, SmallImagesAreSampledWhole) {
    const auto x = test::normal_values("small", 2 * 6);
    EXPECT_EQ(collect(x, Activation::linear(2, 1, 6)).samples, x);
}

TEST(Accumulate, MeansOfLargeOffsetsKeepTheirVariance) {
    const auto x = test::normal_values("offset", 2 * 500 * 3, 1.0 / 64, 4096.0);
    const auto found = collect(x, Activation::linear(2, 500, 3));
    std::vector<float> channel;
    for (std::size_t i = 0; i < x.size(); i += 3) channel.push_back(x[i]);
    EXPECT_NEAR(found.channel_m2[0], reference::moments(channel).m2, 1e-7 * found.channel_m2[0]);
}

TEST(Accumulate, AValueThatIsNotFiniteIsAnErrorNamingSiteImageAndChannel) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
          -std::numeric_limits<float>::infinity()}) {
        auto x = test::normal_values("finite", 3 * 4 * 5);
        x[1 * 20 + 2 * 5 + 3] = bad;
        StatisticsAccumulator accumulator(options());
        try {
            accumulator.add(x, Activation::linear(3, 4, 5), 10);
            FAIL();
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::numeric);
            EXPECT_EQ(error.field("site"), "blocks.0.mlp.fc1:input");
            EXPECT_EQ(error.field("image"), "11");
            EXPECT_EQ(error.field("token"), "2");
            EXPECT_EQ(error.field("channel"), "3");
        }
        // What came before it stays whole.
        const auto kept = accumulator.result();
        EXPECT_EQ(kept.count, 20);
        EXPECT_EQ(std::accumulate(kept.histogram.begin(), kept.histogram.end(), std::int64_t{0}),
                  20);
    }
}

TEST(Accumulate, NothingSeenIsCountZero) {
    StatisticsAccumulator accumulator(options());
    accumulator.add({}, Activation::linear(0, 4, 5), 0);
    const auto found = accumulator.result();
    EXPECT_EQ(found.count, 0);
    EXPECT_EQ(found.site, "blocks.0.mlp.fc1:input");
    EXPECT_EQ(found.kind, "linear.input");
}

}  // namespace
}  // namespace aocq::quant
