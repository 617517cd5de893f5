// SPDX-License-Identifier: Apache-2.0
// What this binary was built from.
#pragma once

#include <string>
#include <string_view>

namespace aocq {

std::string_view version();
std::string_view build_type();
std::string_view compiler();
// SHA-256 over the sources that change numbers (nn, quant, data, metrics, evaluation): part of
// every stage key.
std::string_view source_digest();

}  // namespace aocq
