// SPDX-License-Identifier: Apache-2.0
// The coordinator's memory of results: what exists on disk at the start, what ranks send, segments
// every few seconds, one result file per finished experiment. The only writer of the study's
// results.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/Study.hpp"
#include "engine/StudyFolder.hpp"
#include "engine/Work.hpp"

namespace aocq::engine {

class ResultStore {
  public:
    // Reads the result files and segments of this study's experiments. A damaged file is reported,
    // put aside from what counts, and its work is done again.
    ResultStore(const config::Study& study, const Work& work, const StudyFolder& folder);

    // Units that need not run: done, or needed by nothing that is still to do.
    std::vector<std::uint32_t> settled_units() const;
    bool finished(std::size_t experiment) const { return finished_[experiment]; }
    std::size_t finished_count() const;

    // Takes a unit's payload; writes the result file of every experiment that it completes.
    void add(const Unit& unit, std::vector<std::byte> payload);
    // Writes what came since the last segment.
    void write_segment();
    // Removes the segments once everything in them stands in result files.
    void remove_segments_if_finished();

  private:
    void read_results();
    void read_segments();
    void finish_if_complete(std::size_t experiment);

    const config::Study& study_;
    const Work& work_;
    const StudyFolder& folder_;
    std::map<std::string, std::vector<std::byte>> payloads_;  // unit key -> records
    std::vector<std::string> unsaved_;
    std::vector<bool> finished_;
    std::map<std::uint32_t, std::vector<std::size_t>>
        experiments_of_;  // evaluation unit -> experiments
    int next_segment_ = 0;
};

}  // namespace aocq::engine
