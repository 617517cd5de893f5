// SPDX-License-Identifier: Apache-2.0
// "W4A8" and back.
#include <fmt/format.h>

#include <optional>

#include "config/Study.hpp"

namespace aocq::config {
namespace {

constexpr const char* wanted_bits = "float, or W2..W8 or W32 with A2..A8 or A32, like W4A8";

// Takes a number of one or two digits without a leading zero; nullopt where there is none.
std::optional<int> take_number(std::string_view& text) {
    int value = 0;
    std::size_t digits = 0;
    while (digits < text.size() && digits < 2 && text[digits] >= '0' && text[digits] <= '9') {
        value = value * 10 + (text[digits] - '0');
        ++digits;
    }
    if (digits == 0 || text[0] == '0') return std::nullopt;
    text.remove_prefix(digits);
    return value;
}

bool is_supported(int bits) {
    return (bits >= 2 && bits <= 8) || bits == 32;
}

}  // namespace

BitWidths parse_bits(const std::string& text) {
    if (text == "float") return {};
    std::string_view rest = text;
    const auto take = [&](char letter) -> std::optional<int> {
        if (rest.empty() || rest.front() != letter) return std::nullopt;
        rest.remove_prefix(1);
        return take_number(rest);
    };
    const auto weights = take('W');
    const auto activations = weights ? take('A') : std::nullopt;
    if (!activations || !rest.empty()) {
        throw Error::config("not a bit-width").found(text).wanted(wanted_bits);
    }
    if (!is_supported(*weights) || !is_supported(*activations)) {
        throw Error::config("bit-width out of range").found(text).wanted(wanted_bits);
    }
    return {*weights, *activations};
}

std::string to_string(BitWidths bits) {
    return bits.is_float() ? "float" : fmt::format("W{}A{}", bits.weights, bits.activations);
}

}  // namespace aocq::config
