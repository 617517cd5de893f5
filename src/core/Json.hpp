// SPDX-License-Identifier: Apache-2.0
// JSON values and their one canonical text, which everything that is hashed goes through.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/Error.hpp"

namespace aocq {

using Json = nlohmann::json;  // objects keep their keys sorted

// Sorted keys, no blanks, a short decimal form that reads back to the same double. A value that is
// not finite is an internal error: JSON has no word for it and a hash must not depend on a
// replacement. Text that is not UTF-8 is an Error(input).
std::string canonical_json(const Json& value);

// Parses untrusted text; `source` names it in the error. Nesting deeper than 64, a key given
// twice in one object, and a number beyond the range of double are refused.
Json parse_json(std::string_view text, std::string_view source);

// Bytes that are not UTF-8 (a file name may hold them) become U+FFFD.
Json to_json(const Error& error);
Error error_from_json(const Json& value);

}  // namespace aocq
