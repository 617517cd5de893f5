// SPDX-License-Identifier: Apache-2.0
#include "engine/ImageRecords.hpp"

#include <gtest/gtest.h>

namespace aocq::engine {
namespace {

std::vector<metrics::ImageResult> example() {
    metrics::ImageResult a, b;
    a.index = 7;
    a.label = 3;
    a.top5 = {3, 1, 4, 0, 5};
    a.kl = 0.1 + 0.2;
    a.agrees = true;
    b.index = 8;
    b.label = 1;
    b.top5 = {0, 1, -1, -1, -1};
    return {a, b};
}

void expect_equal(const std::vector<metrics::ImageResult>& found) {
    const auto wanted = example();
    ASSERT_EQ(found.size(), wanted.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].index, wanted[i].index);
        EXPECT_EQ(found[i].label, wanted[i].label);
        EXPECT_EQ(found[i].top5, wanted[i].top5);
        EXPECT_EQ(found[i].kl, wanted[i].kl);
        EXPECT_EQ(found[i].agrees, wanted[i].agrees);
    }
}

TEST(ImageRecords, ComeBackFromAPayloadBitByBit) {
    expect_equal(decode_records(encode(example())));
}

TEST(ImageRecords, ComeBackFromABundleBitByBit) {
    expect_equal(records_from_bundle(to_bundle(example(), Json::object())));
}

TEST(ImageRecords, PartOfARecordIsDamage) {
    auto payload = encode(example());
    payload.pop_back();
    EXPECT_THROW(decode_records(payload), Error);
}

TEST(ImageRecords, ColumnsOfDifferentLengthAreDamage) {
    store::Bundle bundle = to_bundle(example(), Json::object());
    for (auto& array : bundle.arrays) {
        if (array.name == "kl") array = {"kl", {1}, std::vector<double>{1}};
    }
    EXPECT_THROW(records_from_bundle(bundle), Error);
}

}  // namespace
}  // namespace aocq::engine
