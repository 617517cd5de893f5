// SPDX-License-Identifier: Apache-2.0
#include "nn/Windows.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace aocq::nn {
namespace {

at::Tensor numbered(const std::vector<std::int64_t>& shape) {
    std::int64_t count = 1;
    for (const auto extent : shape) count *= extent;
    return at::arange(count, at::kFloat).view(shape);
}

TEST(Windows, AreCutRowByRow) {
    const at::Tensor windows = window_partition(numbered({1, 4, 4, 1}), 2);
    ASSERT_EQ(windows.sizes(), (std::vector<std::int64_t>{4, 4, 1}));
    EXPECT_TRUE(at::equal(windows[1].flatten(), at::tensor({2.F, 3.F, 6.F, 7.F})));
    EXPECT_TRUE(at::equal(windows[2].flatten(), at::tensor({8.F, 9.F, 12.F, 13.F})));
}

TEST(Windows, ReverseGivesTheMapBackWithoutThePadding) {
    for (const std::int64_t height : {4, 5, 7}) {
        for (const std::int64_t width : {4, 6}) {
            const at::Tensor map = numbered({2, height, width, 3});
            const at::Tensor windows = window_partition(map, 4);
            EXPECT_TRUE(at::equal(window_reverse(windows, 4, 2, height, width), map));
        }
    }
}

TEST(Windows, PaddingIsZeroAtTheBottomAndRight) {
    const at::Tensor windows = window_partition(at::ones({1, 3, 3, 1}), 2);
    EXPECT_EQ(windows.sum().item<float>(), 9.0F);
    EXPECT_TRUE(at::equal(windows[3].flatten(), at::tensor({1.F, 0.F, 0.F, 0.F})));
}

// Every pair of places against the definition: the row of the table counts the offset.
TEST(Windows, RelativePositionIndexCountsOffsets) {
    const at::Tensor index = relative_position_index(3, at::kCPU);
    EXPECT_EQ(index[0][0].item<std::int64_t>(), 2 * 5 + 2);
    EXPECT_EQ(index[0][8].item<std::int64_t>(), 0);   // the key is two down and two right
    EXPECT_EQ(index[8][0].item<std::int64_t>(), 24);  // two up and two left
    EXPECT_EQ(index[0][1].item<std::int64_t>(), 2 * 5 + 1);
    EXPECT_EQ(index[3][0].item<std::int64_t>(), 3 * 5 + 2);
}

// Two places of a window see each other if and only if they are as far apart in the image as they
// are in the window. Checked on the places' original coordinates, carried through the same roll.
TEST(Windows, MaskPartsWhatOnlyTheShiftBroughtTogether) {
    constexpr std::int64_t side = 8, window = 4, shift = 2;
    const at::Tensor rolled = at::roll(numbered({1, side, side, 1}), {-shift, -shift}, {1, 2});
    const at::Tensor places = window_partition(rolled, window).squeeze(-1);
    const at::Tensor mask =
        shift_mask(side, side, window, shift, at::TensorOptions(at::kCPU).dtype(at::kFloat));
    ASSERT_EQ(mask.sizes(), (std::vector<std::int64_t>{4, 16, 16}));
    for (std::int64_t w = 0; w < 4; ++w) {
        for (std::int64_t a = 0; a < 16; ++a) {
            for (std::int64_t b = 0; b < 16; ++b) {
                const auto from = places[w][a].item<std::int64_t>(),
                           to = places[w][b].item<std::int64_t>();
                const bool near = from / side - to / side == a / window - b / window &&
                                  from % side - to % side == a % window - b % window;
                EXPECT_EQ(mask[w][a][b].item<float>(), near ? 0.0F : -100.0F);
            }
        }
    }
}

TEST(Windows, MaskIsRememberedBySizeAndType) {
    const at::TensorOptions single = at::TensorOptions(at::kCPU).dtype(at::kFloat);
    const at::Tensor first = shift_mask(8, 8, 4, 2, single);
    EXPECT_EQ(shift_mask(8, 8, 4, 2, single).data_ptr(), first.data_ptr());
    EXPECT_NE(shift_mask(8, 12, 4, 2, single).data_ptr(), first.data_ptr());
    EXPECT_EQ(shift_mask(8, 8, 4, 2, single.dtype(at::kDouble)).scalar_type(), at::kDouble);
}

TEST(Windows, MergingTakesTheSquareColumnByColumn) {
    const at::Tensor merged = merge_patches(numbered({1, 2, 4, 1}));
    ASSERT_EQ(merged.sizes(), (std::vector<std::int64_t>{1, 1, 2, 4}));
    EXPECT_TRUE(at::equal(merged[0][0][0], at::tensor({0.F, 4.F, 1.F, 5.F})));
    EXPECT_TRUE(at::equal(merged[0][0][1], at::tensor({2.F, 6.F, 3.F, 7.F})));
}

TEST(Windows, MergingPadsAnOddMap) {
    const at::Tensor merged = merge_patches(at::ones({1, 3, 3, 2}));
    EXPECT_EQ(merged.sizes(), (std::vector<std::int64_t>{1, 2, 2, 8}));
    EXPECT_EQ(merged.sum().item<float>(), 18.0F);
}

}  // namespace
}  // namespace aocq::nn
