// SPDX-License-Identifier: Apache-2.0
// The work of a study as a graph of units. A unit is named by its content, knows which units it
// needs, and knows nothing of ranks.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace aocq::engine {

struct Unit {
    std::uint32_t index = 0;           // position in the graph
    std::string key;                   // content key, unique
    std::string label;                 // for people: "collect deit_tiny chunk 2"
    std::vector<std::uint32_t> needs;  // indices of the units whose results it reads
    double cost = 0;                   // estimated seconds; only relations within a kind matter
    bool returns_payload = false;      // the result travels to the coordinator as bytes
    int experiment = -1;               // -1: shared by several
    std::string kind = {};             // units of one kind share the correction of their estimates
};

// Checked once and immutable; every rank builds the same.
class UnitGraph {
  public:
    // Error::internal (naming the unit) for an index that is not the position, a key used twice, a
    // need out of range or named twice, a cost that is negative or not finite, or a cycle.
    explicit UnitGraph(std::vector<Unit> units);

    std::size_t size() const { return units_.size(); }
    const std::vector<Unit>& units() const { return units_; }
    const Unit& unit(std::uint32_t index) const;
    std::span<const std::uint32_t> dependents(std::uint32_t index) const;
    // Every unit after those it needs.
    const std::vector<std::uint32_t>& order() const { return order_; }
    // Hash of all keys and needs: two ranks with the same fingerprint mean the same by an index.
    const std::string& fingerprint() const { return fingerprint_; }

  private:
    void check_units() const;
    void link_dependents();
    void sort_topologically();
    void take_fingerprint();

    std::vector<Unit> units_;
    std::vector<std::uint32_t> first_dependent_;  // [size + 1], into dependents_
    std::vector<std::uint32_t> dependents_;
    std::vector<std::uint32_t> order_;
    std::string fingerprint_;
};

}  // namespace aocq::engine
