// SPDX-License-Identifier: Apache-2.0
// What units took: costs.json in the study's folder, of all runs. Times differ from run to run, so
// nothing of it enters a key, a result or a table that does not ask for it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/Files.hpp"
#include "engine/dispatch/Report.hpp"
#include "engine/dispatch/Unit.hpp"

namespace aocq::engine {

struct CostEntry {
    std::string kind;
    UnitCost cost;
};

// Of all units of one kind.
struct KindCost {
    std::string kind;
    std::size_t units = 0;
    UnitCost total;  // sums of seconds; the largest peak
};

class CostBook {
  public:
    // Starts with what the file has; one that cannot be read counts as empty.
    explicit CostBook(fs::path file);

    void note(const Unit& unit, const UnitCost& cost);
    void write() const;  // if anything was noted

    const std::map<std::string, CostEntry>& entries() const { return entries_; }  // by unit key
    std::vector<KindCost> by_kind() const;

  private:
    fs::path file_;
    std::map<std::string, CostEntry> entries_;
    bool changed_ = false;
};

}  // namespace aocq::engine
