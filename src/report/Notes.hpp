// SPDX-License-Identifier: Apache-2.0
// What stands under a table: numbered reasons of failures, number of images, seeds, precision.
#pragma once

#include <string>
#include <vector>

#include "report/Layout.hpp"
#include "report/Metric.hpp"

namespace aocq::report {

// Gives equal reasons one number.
class Footnotes {
  public:
    std::string mark(const std::string& reason);  // "[1]"
    std::vector<std::string> lines() const;       // "[1] reason"

  private:
    std::vector<std::string> reasons_;
};

// "n = 400 images. Seeds: 0, 1, 2; cells are mean ± standard deviation ..."
std::string images_and_seeds(const Layout& layout);

// "top1: share of ...; 95 % interval (Wilson) at most ± 4.87 percentage points."
std::string precision_of(const Layout& layout, Metric metric);

// Whether a cell waits for experiments that did not finish, and shows no failure instead.
bool has_unfinished(const Layout& layout);

}  // namespace aocq::report
