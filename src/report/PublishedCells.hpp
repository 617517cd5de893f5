// SPDX-License-Identifier: Apache-2.0
// Published numbers beside the cells of one table: which belongs where, and how far ours is off.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/Study.hpp"
#include "report/Layout.hpp"
#include "report/Metric.hpp"
#include "report/Published.hpp"

namespace aocq::report {

class PublishedCells {
  public:
    PublishedCells(const config::PublishedSpec& spec, const Published* published)
        : spec_(spec), published_(published) {}

    // The number for one cell; its source goes into the notes. Several that fit: the first.
    std::optional<double> find(const LayoutRow& row, const Results& cell, Metric metric);

    // "+0.12", "-1.40*"
    std::string difference(double ours, double published, Metric metric);

    std::vector<std::string> notes() const;

  private:
    const std::vector<std::string>* methods_of(const LayoutRow& row) const;
    void remember(const std::vector<const PublishedEntry*>& fitting);

    const config::PublishedSpec& spec_;
    const Published* published_;
    std::vector<std::string> sources_;
    std::vector<std::string> disagreements_;
    bool marked_ = false;
};

}  // namespace aocq::report
