// SPDX-License-Identifier: Apache-2.0
// Rank 0's reactions to what the ranks report: results and failures to disk, progress to people.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "core/Progress.hpp"
#include "engine/CostBook.hpp"
#include "engine/ResultStore.hpp"
#include "engine/RunProgress.hpp"
#include "engine/StudyLock.hpp"
#include "engine/dispatch/Coordinator.hpp"

namespace aocq::engine {

class StudyEvents : public CoordinatorEvents {
  public:
    // The references must outlive the events. `max_failures`: failed experiments after which
    // has_enough() says so.
    StudyEvents(const Work& work, const StudyFolder& folder, const StudyLock& lock,
                ResultStore& results, const std::string& numerics, std::size_t settled,
                std::optional<std::size_t> max_failures);

    void on_result(const Unit& unit, int rank, std::vector<std::byte> payload,
                   const UnitCost& cost) override;
    void on_failure(const Unit& unit, int rank, const Error& error,
                    std::vector<std::uint32_t> blocked) override;
    void on_reopened(const Unit& unit, const Unit& asking, const Error& error) override;
    void on_tick(const DispatchView& view) override;
    void on_lost(const Error& error) override;

    bool has_enough() const;
    std::size_t failed_experiments() const { return failed_.size(); }
    // The last words: everything to disk.
    void end(RunState state, const std::string& cause);

  private:
    const Work& work_;
    const StudyFolder& folder_;
    const StudyLock& lock_;
    ResultStore& results_;
    std::optional<std::size_t> max_failures_;
    Progress bar_;
    ProgressWriter progress_;
    CostBook costs_;
    std::set<std::string> failed_;
    double last_segment_ = 0;
    double last_costs_ = 0;
};

}  // namespace aocq::engine
