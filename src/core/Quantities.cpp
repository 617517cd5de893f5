// SPDX-License-Identifier: Apache-2.0
#include "core/Quantities.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/Error.hpp"
#include "core/Text.hpp"

namespace aocq {
namespace {

std::optional<double> number(std::string_view text) {
    double value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = result.ec == std::errc() && result.ptr == text.data() + text.size();
    if (!whole || !std::isfinite(value) || value < 0) return std::nullopt;
    return value;
}

// "1h30m": numbers with units, from the largest to the smallest.
std::optional<double> with_units(std::string_view text) {
    constexpr std::array<std::pair<char, double>, 4> units{
        {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}}};
    double seconds = 0;
    for (const auto& [name, factor] : units) {
        const auto place = text.find(name);
        if (place == std::string_view::npos) continue;
        const auto value = number(text.substr(0, place));
        if (!value) return std::nullopt;
        seconds += *value * factor;
        text.remove_prefix(place + 1);
    }
    if (!text.empty()) return std::nullopt;
    return seconds;
}

// "H:M:S" or "D-H:M:S".
std::optional<double> clock_form(std::string_view text) {
    double days = 0;
    if (const auto dash = text.find('-'); dash != std::string_view::npos) {
        const auto value = number(text.substr(0, dash));
        if (!value) return std::nullopt;
        days = *value;
        text.remove_prefix(dash + 1);
    }
    const auto parts = split(text, ':');
    if (parts.size() != 3) return std::nullopt;
    const auto hours = number(parts[0]), minutes = number(parts[1]), seconds = number(parts[2]);
    if (!hours || !minutes || !seconds) return std::nullopt;
    return ((days * 24 + *hours) * 60 + *minutes) * 60 + *seconds;
}

}  // namespace

double parse_seconds(const std::string& text) {
    auto seconds = number(text);
    if (!seconds) seconds = with_units(text);
    if (!seconds) seconds = clock_form(text);
    if (seconds && *seconds > 0) return *seconds;
    throw Error::usage("not a time").found(text).wanted("e.g. 90s, 15m, 1h30m, 2d or 1:30:00");
}

std::uint64_t parse_bytes(const std::string& text) {
    constexpr std::array<std::pair<char, int>, 4> units{
        {{'K', 10}, {'M', 20}, {'G', 30}, {'T', 40}}};
    std::string_view digits = text;
    for (const std::string_view ending : {"iB", "B"}) {
        if (digits.ends_with(ending)) {
            digits.remove_suffix(ending.size());
            break;
        }
    }
    int shift = 0;
    for (const auto& [name, power] : units) {
        if (digits.empty() || digits.back() != name) continue;
        shift = power;
        digits.remove_suffix(1);
        break;
    }
    const auto value = number(digits);
    const double bytes = value ? std::ldexp(*value, shift) : -1;
    if (bytes >= 1 && bytes < 0x1p60) return static_cast<std::uint64_t>(bytes);
    throw Error::usage("not a size").found(text).wanted("e.g. 500M, 4G or a number of bytes");
}

}  // namespace aocq
