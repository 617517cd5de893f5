// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10 against the published known answers, pinned streams, and the shape of what is
// drawn. A changed stream would silently change calibration sets, so the pins must never be edited.
#include "core/Random.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/Error.hpp"

namespace aocq {
namespace {

using Words = std::array<std::uint32_t, 4>;

// Philox4x32-10 word by word as in Salmon et al. 2011; an independent second writing.
Words philox(Words counter, std::array<std::uint32_t, 2> key) {
    for (int round = 0; round < 10; ++round) {
        if (round > 0) {
            key[0] += 0x9E3779B9U;
            key[1] += 0xBB67AE85U;
        }
        const std::uint64_t product0 = std::uint64_t{0xD2511F53U} * counter[0];
        const std::uint64_t product1 = std::uint64_t{0xCD9E8D57U} * counter[2];
        const auto high0 = static_cast<std::uint32_t>(product0 >> 32);
        const auto high1 = static_cast<std::uint32_t>(product1 >> 32);
        counter = {high1 ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
                   high0 ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
    }
    return counter;
}

// The inverse of x -> x ^ (x >> shift).
std::uint64_t unshift(std::uint64_t y, int shift) {
    std::uint64_t x = y;
    for (int i = 0; i < 64 / shift + 1; ++i) x = y ^ (x >> shift);
    return x;
}

// The inverse of an odd factor modulo 2^64 by Newton's iteration.
std::uint64_t inverse(std::uint64_t odd) {
    std::uint64_t x = odd;
    for (int i = 0; i < 6; ++i) x *= 2 - odd * x;
    return x;
}

// The seed whose key is the given one: SplitMix64's finaliser undone.
RandomKey with_key(std::uint64_t key) {
    std::uint64_t x = unshift(key, 31) * inverse(0x94D049BB133111EBULL);
    x = unshift(x, 27) * inverse(0xBF58476D1CE4E5B9ULL);
    return RandomKey(unshift(x, 30) - 0x9E3779B97F4A7C15ULL);
}

TEST(Philox, TheSecondWritingGivesThePublishedAnswers) {
    EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
              (Words{0x6627E8D5U, 0xE169C58DU, 0xBC57AC4CU, 0x9B00DBD8U}));
    EXPECT_EQ(
        philox({0xFFFFFFFFU, 0xFFFFFFFFU, 0xFFFFFFFFU, 0xFFFFFFFFU}, {0xFFFFFFFFU, 0xFFFFFFFFU}),
        (Words{0x408F276DU, 0x41C83B0EU, 0xA20BC7C6U, 0x6D5451FDU}));
    EXPECT_EQ(
        philox({0x243F6A88U, 0x85A308D3U, 0x13198A2EU, 0x03707344U}, {0xA4093822U, 0x299F31D0U}),
        (Words{0xD16CFE09U, 0x94FDCCEBU, 0x5001E420U, 0x24126EA1U}));
}

TEST(Philox, KeyZeroAndCounterZeroGiveThePublishedAnswer) {
    EXPECT_EQ(with_key(0).block(0), (Words{0x6627E8D5U, 0xE169C58DU, 0xBC57AC4CU, 0x9B00DBD8U}));
}

TEST(Philox, BlocksEqualTheSecondWriting) {
    for (const std::uint64_t key : {0ULL, 1ULL, 0xFFFFFFFFFFFFFFFFULL, 0x299F31D0A4093822ULL}) {
        for (const std::uint64_t counter :
             {0ULL, 1ULL, 0xFFFFFFFFULL, 0x100000000ULL, 0x85A308D3243F6A88ULL}) {
            const Words words{static_cast<std::uint32_t>(counter),
                              static_cast<std::uint32_t>(counter >> 32), 0, 0};
            EXPECT_EQ(with_key(key).block(counter),
                      philox(words, {static_cast<std::uint32_t>(key),
                                     static_cast<std::uint32_t>(key >> 32)}));
        }
    }
}

TEST(RandomKey, SeedsMixAsSplitMix64) {
    // SplitMix64 seeded with 0 starts with E220A8397B1DCDAF.
    EXPECT_EQ(RandomKey(0).block(5), with_key(0xE220A8397B1DCDAFULL).block(5));
}

TEST(RandomKey, StreamsArePinned) {
    EXPECT_EQ(RandomKey(1).block(0), (Words{2573676263U, 3801379442U, 1831575371U, 3923321356U}));
    EXPECT_EQ(RandomKey(1).child("collect").child(7).block(3),
              (Words{1468154799U, 1096967251U, 767069382U, 3143384154U}));
    EXPECT_THAT(random_permutation(RandomKey(1), 8), testing::ElementsAre(4, 3, 6, 2, 1, 5, 0, 7));
}

TEST(RandomKey, ChildrenDifferFromTheirParentAndEachOther) {
    const RandomKey root(42);
    std::set<Words> seen{root.block(0), RandomKey(43).block(0)};
    for (const char* name : {"", "a", "b", "ab", "ba", "collect", "fit"}) {
        EXPECT_TRUE(seen.insert(root.child(name).block(0)).second) << name;
    }
    for (std::uint64_t index = 0; index < 1000; ++index) {
        EXPECT_TRUE(seen.insert(root.child(index).block(0)).second) << index;
    }
    EXPECT_TRUE(seen.insert(root.child("a").child("b").block(0)).second);
    EXPECT_TRUE(seen.insert(root.child("b").child("a").block(0)).second);
}

TEST(RandomStream, GivesTheWordsOfConsecutiveBlocks) {
    const RandomKey key(9);
    RandomStream stream(key);
    for (std::uint64_t counter = 0; counter < 3; ++counter) {
        for (const std::uint32_t word : key.block(counter)) EXPECT_EQ(stream.bits(), word);
    }
}

TEST(RandomStream, UniformIsFlatWithinItsBounds) {
    constexpr int n = 100'000, bins = 20;
    RandomStream stream(RandomKey(3));
    std::array<int, bins> count{};
    for (int i = 0; i < n; ++i) {
        const double value = stream.uniform();
        ASSERT_GE(value, 0.0);
        ASSERT_LT(value, 1.0);
        ++count[static_cast<std::size_t>(value * bins)];
    }
    double chi2 = 0;
    for (const int seen : count) chi2 += std::pow(seen - n / bins, 2) / (n / bins);
    EXPECT_LT(chi2, 43.8);  // 19 degrees of freedom, p = 0.001
    for (int i = 0; i < 1000; ++i) {
        const double value = stream.uniform(-2, 3);
        ASSERT_GE(value, -2.0);
        ASSERT_LT(value, 3.0);
    }
}

TEST(RandomStream, NormalHasMeanZeroAndVarianceOne) {
    constexpr int n = 50'000;
    RandomStream stream(RandomKey(4));
    double sum = 0, squares = 0;
    for (int i = 0; i < n; ++i) {
        const double value = stream.normal();
        sum += value;
        squares += value * value;
    }
    EXPECT_NEAR(sum / n, 0.0, 0.02);
    EXPECT_NEAR(squares / n, 1.0, 0.03);
}

TEST(RandomStream, BelowHitsEveryValueEquallyOften) {
    RandomStream stream(RandomKey(5));
    std::array<int, 7> count{};
    for (int i = 0; i < 70'000; ++i) ++count.at(stream.below(7));
    for (const int seen : count) EXPECT_NEAR(seen, 10'000, 400);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(stream.below(1), 0U);
    for (int i = 0; i < 100; ++i) EXPECT_LT(stream.below(0x80000001U), 0x80000001U);
}

TEST(RandomStream, BelowZeroIsOurMistake) {
    RandomStream stream(RandomKey(5));
    EXPECT_THROW(stream.below(0), Error);
}

TEST(RandomPermutation, HoldsEveryIndexOnce) {
    auto order = random_permutation(RandomKey(6), 1000);
    EXPECT_NE(order, random_permutation(RandomKey(7), 1000));
    EXPECT_EQ(order, random_permutation(RandomKey(6), 1000));
    std::sort(order.begin(), order.end());
    for (std::uint32_t i = 0; i < 1000; ++i) ASSERT_EQ(order[i], i);
    EXPECT_TRUE(random_permutation(RandomKey(6), 0).empty());
    EXPECT_THAT(random_permutation(RandomKey(6), 1), testing::ElementsAre(0U));
}

TEST(RandomPermutation, EveryOrderOfThreeComesEquallyOften) {
    std::array<int, 27> count{};
    for (std::uint64_t i = 0; i < 6000; ++i) {
        const auto order = random_permutation(RandomKey(8).child(i), 3);
        ++count.at(order[0] * 9 + order[1] * 3 + order[2]);
    }
    for (const std::size_t code : {5U, 7U, 11U, 15U, 19U, 21U}) EXPECT_NEAR(count[code], 1000, 130);
}

}  // namespace
}  // namespace aocq
