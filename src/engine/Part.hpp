// SPDX-License-Identifier: Apache-2.0
// A share of a study's experiments, for a sweep that is split over several jobs.
#pragma once

#include <string>

#include "config/Study.hpp"

namespace aocq::engine {

struct Part {
    int index = 0;
    int count = 1;
    bool is_whole() const { return count == 1; }
    std::string name() const;  // "part-3-of-10"; "" for the whole
};

// "3/10", counted from 0. Error(usage) for anything else.
Part parse_part(const std::string& text);

// The experiments whose place in the plan is `index` modulo `count`, and the float ones that they
// are compared with. Keys and ids do not depend on the part.
config::Study select(const config::Study& study, Part part);

}  // namespace aocq::engine
