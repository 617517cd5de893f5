// SPDX-License-Identifier: Apache-2.0
// Why a stage of an experiment is not in the cache: which part of its key differs from the most
// similar file that is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/Json.hpp"
#include "engine/StudyFolder.hpp"
#include "engine/Work.hpp"

namespace aocq::engine {

// A leaf of two JSON values that is not equal; null where one side has nothing there.
struct Difference {
    std::string path;  // "scheme/blocks.0.attn.qkv:weight/bits"
    Json wanted, kept;
};
std::vector<Difference> differences(const Json& wanted, const Json& kept);

struct StageReport {
    std::string label, kind, key;
    store::Condition condition = store::Condition::absent;
    struct Nearest {
        std::string key;
        std::vector<Difference> differences;
    };
    std::optional<Nearest> nearest;  // of an absent stage, where a file of its kind is there
};

// The stages whose files a run of the experiment would look for, in order.
std::vector<StageReport> explain(const Work& work, const StageCache& cache, std::size_t experiment);

}  // namespace aocq::engine
