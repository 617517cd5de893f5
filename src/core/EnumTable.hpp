// SPDX-License-Identifier: Apache-2.0
// One table per enum gives its names, the way back, and the list for "did you mean".
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/Error.hpp"

namespace aocq {

template <class E, std::size_t N>
struct EnumTable {
    std::array<std::pair<E, std::string_view>, N> rows;

    constexpr std::string_view name(E value) const {
        for (const auto& [candidate, text] : rows) {
            if (candidate == value) return text;
        }
        return "?";
    }
    constexpr std::optional<E> find(std::string_view text) const {
        for (const auto& [value, candidate] : rows) {
            if (candidate == text) return value;
        }
        return std::nullopt;
    }
    std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& row : rows) all.emplace_back(row.second);
        return all;
    }
};

}  // namespace aocq
