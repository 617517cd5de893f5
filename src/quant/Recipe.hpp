// SPDX-License-Identifier: Apache-2.0
// A method is a list of passes in TOML:
//   passes = ["fit", { for_each = "block", passes = ["fit"] }]     and one table per pass:
//   [method.fit] observer = "mse"
// A for_each group is unrolled: its passes run once per block (or per linear layer) in graph order.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "quant/Pass.hpp"

namespace aocq::quant {

struct Stage {
    std::string pass;   // name in the table of passes
    std::string scope;  // "" or the block or linear node that it is for
    std::shared_ptr<const Pass> run;
};

struct Recipe {
    std::string name;
    std::vector<Stage> stages;
    std::vector<Rule> rules;  // the method's own; the study's come after them
};

// The [method] section. Unknown passes and parameters are errors.
Recipe recipe_from(Fields fields, const nn::Graph& graph);

std::vector<std::string> pass_names();

}  // namespace aocq::quant
