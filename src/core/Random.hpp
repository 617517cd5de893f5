// SPDX-License-Identifier: Apache-2.0
// Counter-based random numbers (Philox4x32-10, Salmon et al. 2011): a number depends on its key and
// its index only, never on who drew before. Keys form a tree:
// RandomKey(seed).child("collect").child(image).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace aocq {

class RandomKey {
  public:
    explicit RandomKey(std::uint64_t seed);
    RandomKey child(std::string_view name) const;
    RandomKey child(std::uint64_t index) const;
    std::array<std::uint32_t, 4> block(std::uint64_t counter) const;

  private:
    std::uint64_t key_;
};

// Numbers in sequence from one key.
class RandomStream {
  public:
    explicit RandomStream(RandomKey key) : key_(key) {}
    std::uint32_t bits();
    double uniform();  // [0, 1), 32 random bits
    double uniform(double low, double high);
    std::uint32_t below(std::uint32_t n);  // 0..n-1, unbiased
    double normal();  // mean 0, variance 1; sum of twelve uniforms: no libm, so the same bits on
                      // every host

  private:
    RandomKey key_;
    std::uint64_t counter_ = 0;
    std::array<std::uint32_t, 4> block_{};
    int used_ = 4;
};

// 0..n-1 in a random order (Fisher-Yates).
std::vector<std::uint32_t> random_permutation(RandomKey key, std::uint32_t n);

}  // namespace aocq
