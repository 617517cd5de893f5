// SPDX-License-Identifier: Apache-2.0
// One experiment as the reports see it: what it was, and the counts over its images.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/Study.hpp"
#include "metrics/ImageResult.hpp"

namespace aocq::report {

struct ResultRow {
    std::string experiment_id;
    bool is_float = false;
    config::BitWidths bits;
    std::uint64_t seed = 0;
    config::Coordinates coordinates;
    std::string model_name;
    metrics::Summary summary;
    std::optional<double> memory_ratio;  // bytes of the weights over those in float32
    // Every image's, in order of the index; kept only where a table of effects asks for them.
    std::vector<metrics::ImageResult> images;
    // Section -> the name that its `use` had: {"method", "aocq"}.
    std::map<std::string, std::string> uses;
    bool complete = false;  // every image was evaluated
    std::string failure;    // why there is no result; "" where nothing went wrong

    bool usable() const { return complete && failure.empty() && summary.n > 0; }
};

}  // namespace aocq::report
