// SPDX-License-Identifier: Apache-2.0
// Estimated seconds of units, corrected by what units of the same kind took so far. Only the order
// of work depends on it, never a result.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/dispatch/Unit.hpp"

namespace aocq::engine {

class CostModel {
  public:
    explicit CostModel(const UnitGraph& graph);

    // With the corrections of the last adopt().
    double seconds(std::uint32_t unit) const;
    void observe(std::uint32_t unit, double seconds);

    // True when a kind's correction has moved by more than half since the last adopt().
    bool outdated() const { return outdated_; }
    void adopt();

    // Newest estimate of the seconds of all units that are not dropped. O(kinds).
    double seconds_left() const;
    void drop(std::uint32_t unit);       // done, failed or blocked: no longer to come
    void take_back(std::uint32_t unit);  // to come again
    // Whether a unit of the same kind has been observed.
    bool has_measured(std::uint32_t unit) const { return kinds_[kind_of_[unit]].observed > 0; }

  private:
    struct Kind {
        double estimated = 0;  // sum over observed units
        double observed = 0;
        double left = 0;  // sum of estimates over units to come
        double factor = 1;
    };
    double newest_factor(const Kind& kind) const;

    std::vector<double> estimates_;
    std::vector<std::uint32_t> kind_of_;
    std::vector<Kind> kinds_;
    double estimated_ = 0;
    double observed_ = 0;
    bool outdated_ = false;
};

}  // namespace aocq::engine
