// SPDX-License-Identifier: Apache-2.0
// Statistics and sensitivity of calibration images, which many stages of a study read: the last
// ones stay in memory.
#pragma once

#include <string>
#include <vector>

#include "engine/StageCache.hpp"
#include "quant/Sensitivity.hpp"
#include "store/Statistics.hpp"

namespace aocq::engine {

class StageInputs {
  public:
    // Reads what is not held; keys of the cache, those of the sensitivity in order of their images.
    // Throws as StageCache::read does.
    void hold(const StageCache& cache, const std::string& statistics,
              const std::vector<std::string>& sensitivity);

    const store::StatisticsFile& statistics() const { return statistics_; }
    // Of no image where no key was given.
    const quant::Sensitivity& sensitivity() const { return sensitivity_; }

  private:
    std::string statistics_key_;
    std::vector<std::string> sensitivity_keys_;
    store::StatisticsFile statistics_;
    quant::Sensitivity sensitivity_;
};

}  // namespace aocq::engine
