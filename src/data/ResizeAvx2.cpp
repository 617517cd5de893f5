// SPDX-License-Identifier: Apache-2.0
// The resize passes with AVX2. A 22-bit weight does not fit the 16-bit multiply-add, so it is split
// into w = high * 2^12 + low, low in 0 .. 4095; the two sums join at the end. Additions wrap, which
// changes nothing because the joined sum fits 32 bits.
#include "data/ResizeKernels.hpp"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/Error.hpp"

#define AOCQ_AVX2 __attribute__((target("avx2")))

namespace aocq::data {
namespace {

constexpr int low_bits = 12;
constexpr int taps_per_group = 4;
constexpr int rows_per_step = 4;
constexpr std::int32_t half = 1 << (weight_bits - 1);

std::int16_t high_part(std::int32_t weight) {
    return static_cast<std::int16_t>(weight >> low_bits);
}
std::int16_t low_part(std::int32_t weight) {
    return static_cast<std::int16_t>(weight & ((1 << low_bits) - 1));
}

// Weights of the horizontal pass: per output `groups` times 4 high and 4 low parts.
struct PackedColumns {
    int groups = 0;
    std::size_t reach = 0;  // bytes that the pass reads from the start of a row
    std::vector<int> start;
    std::vector<std::int16_t> weights;  // [outputs, groups, 8]
};

PackedColumns pack_columns(const Taps& taps, int width) {
    PackedColumns packed;
    const int longest = *std::max_element(taps.length.begin(), taps.length.end());
    packed.groups = (longest + taps_per_group - 1) / taps_per_group;
    const int window = packed.groups * taps_per_group;
    packed.weights.resize(static_cast<std::size_t>(taps.outputs) *
                          static_cast<std::size_t>(packed.groups) * 8);
    std::int16_t* target = packed.weights.data();
    int last = 0;
    for (int o = 0; o < taps.outputs; ++o) {
        const auto at = static_cast<std::size_t>(o);
        // Near the right edge the window moves left, so that it stays inside the row if it can.
        const int start = std::min(taps.start[at], std::max(width - window, 0));
        const int shift = taps.start[at] - start;
        for (int i = 0; i < window; ++i) {
            const int tap = i - shift;
            const std::int32_t weight = tap >= 0 && tap < taps.length[at] ? taps.of(o)[tap] : 0;
            std::int16_t* group = target + i / taps_per_group * 8 + i % taps_per_group;
            group[0] = high_part(weight);
            group[taps_per_group] = low_part(weight);
        }
        target += packed.groups * 8;
        packed.start.push_back(start);
        last = std::max(last, start);
    }
    // A group reads 16 bytes and uses 12.
    packed.reach = static_cast<std::size_t>(last + window) * 3 + 4;
    return packed;
}

using RowPointers = std::array<const std::uint8_t*, rows_per_step>;

// Four rows at once share the loaded weights. Per group a lane holds two taps of each channel as
// 16-bit pairs, (r0 r1) (g0 g1) (b0 b1) (0 0); the upper lane has the other two taps.
AOCQ_AVX2 void horizontal_step(const RowPointers& rows, const PackedColumns& packed, int outputs,
                               const std::array<std::uint8_t*, rows_per_step>& out) {
    const __m256i pairs =
        _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, 6, -1, 9, -1, 7,
                         -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
    const __m256i pick_high = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    const __m256i pick_low = _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3);
    const __m128i rounding = _mm_set1_epi32(half);
    const std::int16_t* weights = packed.weights.data();
    for (int o = 0; o < outputs; ++o) {
        const std::size_t offset =
            static_cast<std::size_t>(packed.start[static_cast<std::size_t>(o)]) * 3;
        __m256i high[rows_per_step];
        __m256i low[rows_per_step];
        for (int r = 0; r < rows_per_step; ++r) high[r] = low[r] = _mm256_setzero_si256();
        for (int g = 0; g < packed.groups; ++g, weights += 8) {
            const __m256i both =
                _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(weights)));
            const __m256i weight_high = _mm256_permutevar8x32_epi32(both, pick_high);
            const __m256i weight_low = _mm256_permutevar8x32_epi32(both, pick_low);
            const std::size_t place = offset + static_cast<std::size_t>(g) * 12;
            for (int r = 0; r < rows_per_step; ++r) {
                const auto* source =
                    reinterpret_cast<const __m128i*>(rows[static_cast<std::size_t>(r)] + place);
                const __m256i samples = _mm256_shuffle_epi8(
                    _mm256_broadcastsi128_si256(_mm_loadu_si128(source)), pairs);
                high[r] = _mm256_add_epi32(high[r], _mm256_madd_epi16(samples, weight_high));
                low[r] = _mm256_add_epi32(low[r], _mm256_madd_epi16(samples, weight_low));
            }
        }
        __m128i sum[rows_per_step];
        for (int r = 0; r < rows_per_step; ++r) {
            const __m256i joined = _mm256_add_epi32(_mm256_slli_epi32(high[r], low_bits), low[r]);
            const __m128i lanes =
                _mm_add_epi32(_mm256_castsi256_si128(joined), _mm256_extracti128_si256(joined, 1));
            sum[r] = _mm_srai_epi32(_mm_add_epi32(lanes, rounding), weight_bits);
        }
        const __m128i bytes =
            _mm_packus_epi16(_mm_packs_epi32(sum[0], sum[1]), _mm_packs_epi32(sum[2], sum[3]));
        std::uint32_t pixels[rows_per_step];
        _mm_storeu_si128(reinterpret_cast<__m128i*>(pixels), bytes);
        for (int r = 0; r < rows_per_step; ++r) {
            // The fourth byte is overwritten by the next pixel or falls into the row's slack.
            std::memcpy(out[static_cast<std::size_t>(r)] + static_cast<std::size_t>(o) * 3,
                        &pixels[r], 4);
        }
    }
}

void horizontal(const Image& image, int first, const Taps& taps, Rows& out) {
    const PackedColumns packed = pack_columns(taps, image.width);
    std::vector<std::uint8_t> spare_rows(packed.reach * rows_per_step);
    std::vector<std::uint8_t> spare_out(out.stride);
    for (int y = 0; y < out.height; y += rows_per_step) {
        RowPointers rows{};
        std::array<std::uint8_t*, rows_per_step> targets{};
        for (int r = 0; r < rows_per_step; ++r) {
            const auto at = static_cast<std::size_t>(r);
            const bool inside = y + r < out.height;
            const int source = first + (inside ? y + r : y);
            targets[at] = inside ? out.row(y + r) : spare_out.data();
            rows[at] = image.row(source);
            const auto offset = static_cast<std::size_t>(rows[at] - image.rgb.data());
            if (offset + packed.reach > image.rgb.size()) {
                // Vector loads would pass the end of the image: work on a copy with slack.
                std::uint8_t* copy = spare_rows.data() + at * packed.reach;
                std::memcpy(copy, rows[at], std::min(image.row_bytes(), packed.reach));
                rows[at] = copy;
            }
        }
        horizontal_step(rows, packed, taps.outputs, targets);
    }
}

std::int32_t pair_of(std::int16_t first, std::int16_t second) {
    const auto low = static_cast<std::uint16_t>(first);
    const auto high = static_cast<std::uint16_t>(second);
    return static_cast<std::int32_t>(low | static_cast<std::uint32_t>(high) << 16);
}

// Two rows and their weights; an odd number of taps ends with a pair whose second weight is zero.
struct RowPair {
    const std::uint8_t* first;
    const std::uint8_t* second;
    std::int32_t high;
    std::int32_t low;
};

// 32 columns of one output row.
AOCQ_AVX2 __m256i vertical_chunk(const std::vector<RowPair>& pairs, std::size_t x) {
    const __m256i zero = _mm256_setzero_si256();
    __m256i high[4] = {zero, zero, zero, zero};
    __m256i low[4] = {zero, zero, zero, zero};
    for (const RowPair& pair : pairs) {
        const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pair.first + x));
        const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(pair.second + x));
        const __m256i front = _mm256_unpacklo_epi8(a, b);
        const __m256i back = _mm256_unpackhi_epi8(a, b);
        const __m256i samples[4] = {
            _mm256_unpacklo_epi8(front, zero), _mm256_unpackhi_epi8(front, zero),
            _mm256_unpacklo_epi8(back, zero), _mm256_unpackhi_epi8(back, zero)};
        const __m256i weight_high = _mm256_set1_epi32(pair.high);
        const __m256i weight_low = _mm256_set1_epi32(pair.low);
        for (int i = 0; i < 4; ++i) {
            high[i] = _mm256_add_epi32(high[i], _mm256_madd_epi16(samples[i], weight_high));
            low[i] = _mm256_add_epi32(low[i], _mm256_madd_epi16(samples[i], weight_low));
        }
    }
    const __m256i rounding = _mm256_set1_epi32(half);
    for (int i = 0; i < 4; ++i) {
        const __m256i joined = _mm256_add_epi32(_mm256_slli_epi32(high[i], low_bits), low[i]);
        high[i] = _mm256_srai_epi32(_mm256_add_epi32(joined, rounding), weight_bits);
    }
    return _mm256_packus_epi16(_mm256_packs_epi32(high[0], high[1]),
                               _mm256_packs_epi32(high[2], high[3]));
}

AOCQ_AVX2 void vertical_row(const std::vector<RowPair>& pairs, std::uint8_t* out,
                            std::size_t bytes) {
    std::size_t x = 0;
    for (; x + 32 <= bytes; x += 32) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + x), vertical_chunk(pairs, x));
    }
    if (x == bytes) return;
    std::uint8_t tail[32];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(tail), vertical_chunk(pairs, x));
    std::memcpy(out + x, tail, bytes - x);
}

void vertical(const Rows& rows, int first, const Taps& taps, Image& out) {
    std::vector<RowPair> pairs;
    for (int o = 0; o < taps.outputs; ++o) {
        const auto at = static_cast<std::size_t>(o);
        const int length = taps.length[at];
        const std::int32_t* weights = taps.of(o);
        pairs.clear();
        for (int i = 0; i < length; i += 2) {
            const bool two = i + 1 < length;
            const std::int32_t next = two ? weights[i + 1] : 0;
            const std::uint8_t* row = rows.row(taps.start[at] - first + i);
            pairs.push_back({row, two ? row + rows.stride : row,
                             pair_of(high_part(weights[i]), high_part(next)),
                             pair_of(low_part(weights[i]), low_part(next))});
        }
        vertical_row(pairs, out.row(o), out.row_bytes());
    }
}

}  // namespace

const ResizeKernels* avx2_kernels() {
    static constexpr ResizeKernels kernels{horizontal, vertical};
    return __builtin_cpu_supports("avx2") ? &kernels : nullptr;
}

}  // namespace aocq::data

#else

namespace aocq::data {

const ResizeKernels* avx2_kernels() {
    return nullptr;
}

}  // namespace aocq::data

#endif
