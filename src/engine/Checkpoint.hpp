// SPDX-License-Identifier: Apache-2.0
// The state of a long stage between two of its steps, so that a stop or a kill costs seconds of it
// and not all. A file of the stage's own key: it cannot be taken for another stage's.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>

#include "quant/Quantization.hpp"

namespace aocq::engine {

class Checkpoint {
  public:
    explicit Checkpoint(std::filesystem::path file);

    struct State {
        std::size_t steps;  // done so far
        quant::QuantizedModel model;
    };
    // Nothing where there is no file; a damaged one counts as none, with a warning.
    std::optional<State> load() const;
    // Writes if the last one is old enough. A disk that does not take it costs a warning: the stage
    // goes on without.
    void offer(const quant::QuantizedModel& model, std::size_t steps);
    void remove() const;

  private:
    std::filesystem::path file_;
    std::chrono::steady_clock::time_point last_;
};

}  // namespace aocq::engine
