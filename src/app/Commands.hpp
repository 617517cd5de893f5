// SPDX-License-Identifier: Apache-2.0
// The sub-commands of aocq. Each adds its options to the parser and, if it is the one called, puts
// what it does into `chosen`; main() runs that and turns errors into exit codes.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "par/Communicator.hpp"

namespace aocq::app {

using Chosen = std::function<int()>;  // returns the exit code

void add_plan(CLI::App& app, Chosen& chosen);
void add_run(CLI::App& app, Chosen& chosen, const par::Communicator& communicator);
void add_cache(CLI::App& app, Chosen& chosen);
void add_status(CLI::App& app, Chosen& chosen);
void add_report(CLI::App& app, Chosen& chosen);
void add_inspect(CLI::App& app, Chosen& chosen);
void add_stats(CLI::App& app, Chosen& chosen);
void add_validate(CLI::App& app, Chosen& chosen);
void add_train(CLI::App& app, Chosen& chosen);

void add_commands(CLI::App& app, Chosen& chosen, const par::Communicator& communicator);

}  // namespace aocq::app
