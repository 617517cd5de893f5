// SPDX-License-Identifier: Apache-2.0
// What all ranks do together. Names end in `_all`: a rank that leaves one out blocks the others.
// Waiting sleeps, so that a waiting rank leaves its core to computing ones.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "par/Communicator.hpp"

namespace aocq::par {

// Rank 0's text on every rank, the others' is ignored. \collective
// Above max_message: Error::environment on every rank.
std::string broadcast_all(const Communicator& communicator, std::string text);

// Rank 0 runs `make` (reads the study, say) and all get its text; an aocq::Error thrown there is
// thrown on every rank, so that all end the same way; any other exception becomes an internal one.
// \collective
std::string broadcast_made_all(const Communicator& communicator,
                               const std::function<std::string()>& make);

// Every rank's text, in order of rank, on every rank (to compare host, version or numerics class).
// \collective
std::vector<std::string> gather_all(const Communicator& communicator, const std::string& text);

// Returns when every rank has come here. \collective
void barrier_all(const Communicator& communicator);

// Ends all ranks at once with this exit code; nothing is cleaned up.
[[noreturn]] void abort_job(const Communicator& communicator, int exit_code);

}  // namespace aocq::par
