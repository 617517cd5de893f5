// SPDX-License-Identifier: Apache-2.0
// Per-image results on their way from a rank to the coordinator, and in a result file.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "metrics/ImageResult.hpp"
#include "store/Bundle.hpp"

namespace aocq::engine {

std::vector<std::byte> encode(const std::vector<metrics::ImageResult>& records);
std::vector<metrics::ImageResult> decode_records(
    std::span<const std::byte> payload);  // Error(input) where damaged

store::Bundle to_bundle(const std::vector<metrics::ImageResult>& records, Json attributes);
std::vector<metrics::ImageResult> records_from_bundle(const store::Bundle& bundle);

}  // namespace aocq::engine
