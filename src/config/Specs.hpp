// SPDX-License-Identifier: Apache-2.0
// The parts of a study that look the same in a study file and in a plan: names, [run], [[table]].
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "config/Study.hpp"
#include "core/Fields.hpp"

namespace aocq::config {

inline constexpr std::size_t most_experiments = 100'000;
inline constexpr std::int64_t largest_seed = INT64_MAX;

// Unknown keys before anything else: a misspelt key should not be reported as a missing one.
void know_only(Fields& fields, std::initializer_list<std::string_view> keys);

std::string read_name(Fields& fields);  // key "name", [a-z0-9_-]+, as it becomes a file's name
BitWidths read_bits(const Json& value, const std::string& key);
RunConfig read_run(Fields fields);
TableSpec read_table(Fields fields);

Json to_json(const RunConfig& run);
Json to_json(const TableSpec& table);

}  // namespace aocq::config
