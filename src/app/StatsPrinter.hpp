// SPDX-License-Identifier: Apache-2.0
// What aocq stats prints: text as it comes, or JSON in the end, and a CSV of all channels and
// tokens beside it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "app/BalanceReport.hpp"
#include "store/Statistics.hpp"

namespace aocq::app {

struct StatsFormat {
    std::size_t most = 15;  // sites
    bool map = false, json = false;
    std::filesystem::path csv;  // "": none
};

class StatsPrinter {
  public:
    explicit StatsPrinter(StatsFormat format) : format_(std::move(format)) {}

    // The sites with the worst outliers.
    void statistics(const std::string& title, const store::StatisticsFile& file);
    void balance(const std::string& title, const std::vector<BalancedSite>& sites);
    // Imbalances before and after balancing.
    void compared(const store::StatisticsFile& before, const store::StatisticsFile& after);
    // Prints the JSON, writes the CSV.
    void finish() const;

  private:
    StatsFormat format_;
    Json json_ = Json::object();
    std::string csv_;
};

}  // namespace aocq::app
