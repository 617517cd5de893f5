// SPDX-License-Identifier: Apache-2.0
#include "core/Random.hpp"

#include <numeric>
#include <utility>

#include "core/Error.hpp"

namespace aocq {
namespace {

// The finaliser of SplitMix64: a bijection that spreads every input bit.
std::uint64_t mix(std::uint64_t x) {
    x += 0x9E3779B97F4A7C15ULL;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
    return x ^ (x >> 31);
}

std::uint64_t fnv1a(std::string_view text) {
    std::uint64_t hash = 0xCBF29CE484222325ULL;
    for (const char c : text) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    }
    return hash;
}

}  // namespace

RandomKey::RandomKey(std::uint64_t seed) : key_(mix(seed)) {}

RandomKey RandomKey::child(std::string_view name) const {
    RandomKey next(0);
    next.key_ = mix(key_ ^ mix(fnv1a(name)));
    return next;
}

RandomKey RandomKey::child(std::uint64_t index) const {
    RandomKey next(0);
    next.key_ = mix(key_ + mix(index ^ 0xA5A5A5A5A5A5A5A5ULL));
    return next;
}

std::array<std::uint32_t, 4> RandomKey::block(std::uint64_t counter) const {
    std::array<std::uint32_t, 4> c{static_cast<std::uint32_t>(counter),
                                   static_cast<std::uint32_t>(counter >> 32), 0, 0};
    auto k0 = static_cast<std::uint32_t>(key_);
    auto k1 = static_cast<std::uint32_t>(key_ >> 32);
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t a = std::uint64_t{0xD2511F53U} * c[0];
        const std::uint64_t b = std::uint64_t{0xCD9E8D57U} * c[2];
        c = {static_cast<std::uint32_t>(b >> 32) ^ c[1] ^ k0, static_cast<std::uint32_t>(b),
             static_cast<std::uint32_t>(a >> 32) ^ c[3] ^ k1, static_cast<std::uint32_t>(a)};
        k0 += 0x9E3779B9U;
        k1 += 0xBB67AE85U;
    }
    return c;
}

std::uint32_t RandomStream::bits() {
    if (used_ == 4) {
        block_ = key_.block(counter_++);
        used_ = 0;
    }
    return block_[static_cast<std::size_t>(used_++)];
}

double RandomStream::uniform() {
    return bits() * 0x1p-32;
}

double RandomStream::uniform(double low, double high) {
    return low + (high - low) * uniform();
}

std::uint32_t RandomStream::below(std::uint32_t n) {
    AOCQ_EXPECT(n > 0);
    const std::uint32_t limit = 0xFFFFFFFFU - 0xFFFFFFFFU % n;  // a multiple of n
    std::uint32_t value = bits();
    while (value >= limit) value = bits();
    return value % n;
}

double RandomStream::normal() {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
}

std::vector<std::uint32_t> random_permutation(RandomKey key, std::uint32_t n) {
    std::vector<std::uint32_t> order(n);
    std::iota(order.begin(), order.end(), 0U);
    RandomStream stream(key);
    for (std::uint32_t i = n; i > 1; --i) std::swap(order[i - 1], order[stream.below(i)]);
    return order;
}

}  // namespace aocq
