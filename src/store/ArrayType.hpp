// SPDX-License-Identifier: Apache-2.0
// The five element types of arrays: name (for the digest), type inside files, type in memory.
// The order is that of the alternatives of ArrayData.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <string_view>

#include "store/Bundle.hpp"

namespace aocq::store::detail {

static_assert(std::endian::native == std::endian::little, "digests are over little-endian bytes");

inline constexpr std::array<std::string_view, 5> type_names{"f32", "f64", "i32", "i64", "u8"};

static_assert(std::variant_size_v<ArrayData> == type_names.size());

inline std::string_view type_name(const ArrayData& data) {
    return type_names[data.index()];
}

inline std::size_t element_count(const ArrayData& data) {
    return std::visit([](const auto& values) { return values.size(); }, data);
}

}  // namespace aocq::store::detail
