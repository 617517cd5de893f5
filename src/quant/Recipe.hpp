// SPDX-License-Identifier: Apache-2.0
// A method is a list of passes in TOML:
//   passes = ["fit", { for_each = "block", passes = ["activation_step", "weight_rounding"] }]
//   [method.fit] observer = "mse"                     one table per pass
//   [method.activation_step] level = "framework"      a pass may belong to a level
//   [method] levels = ["operator", "framework"]       which levels are on; absent: all
// An entry of the list is a stage: one unit of work and one artefact. Inside a for_each group the
// passes run once per block (or per linear layer) in graph order, as one stage, because the later
// blocks need the finished earlier ones.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "quant/Pass.hpp"

namespace aocq::quant {

struct Step {
    std::string pass;   // name in the table of passes
    std::string scope;  // "" or the block or linear node that it is for
    std::shared_ptr<const Pass> run;
};

struct Stage {
    std::string label;  // "fit", "activation_step + weight_rounding"
    std::vector<Step> steps;

    Needs needs() const;
    // Whether its steps may be done at the same time, each from the stage's start.
    bool has_independent_steps() const;
    Json describe() const;  // passes, scopes and parameters: part of the stage's key
};

struct Recipe {
    std::string name;
    std::vector<Stage> stages;
    std::vector<Rule> rules;  // the method's own; the study's come after them

    Needs needs() const;  // of all stages
};

// The [method] section. Unknown passes, levels and parameters are errors.
Recipe recipe_from(Fields fields, const nn::Graph& graph);

// Runs the steps from `first` on, in order, and adds each one's report to the model. `done` is
// called after every step with the number of steps done (a place to save the state).
void run_steps(const Stage& stage, std::size_t first, PassContext context, QuantizedModel& model,
               const std::function<void(std::size_t)>& done);
// One step alone.
void run_step(const Step& step, PassContext context, QuantizedModel& model);

std::vector<std::string> pass_names();

}  // namespace aocq::quant
