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
    // Nothing is done for the experiments whose ids are in `left_out`.
    ResultStore(const config::Study& study, const Work& work, const StudyFolder& folder,
                std::set<std::string> left_out = {});

    // Units that need not run: done, or needed by nothing that is still to do. Looks at the whole
    // of every file that something to do would read; a damaged one is reported, removed and made
    // again.
    std::vector<std::uint32_t> settled_units() const;
    // Ids of the experiments that are finished, and of those of which something is.
    std::set<std::string> finished_ids() const;
    std::set<std::string> begun_ids() const;
    bool finished(std::size_t experiment) const { return finished_[experiment]; }
    std::size_t finished_count() const;
    std::size_t left_out() const;  // experiments that are neither finished nor to be done

    // Takes a unit's payload; writes the result file of every experiment that it completes.
    void add(const Unit& unit, std::vector<std::byte> payload);
    // Writes what came since the last segment.
    void write_segment();
    // Removes the segments once everything in them stands in result files.
    void remove_segments_if_finished();

  private:
    bool is_to_do(std::size_t experiment) const;
    void read_results();
    void read_segments();
    void finish_if_complete(std::size_t experiment);

    const config::Study& study_;
    const Work& work_;
    const StudyFolder& folder_;
    std::set<std::string> left_out_;
    std::map<std::string, std::vector<std::byte>> payloads_;  // unit key -> records
    std::vector<std::string> unsaved_;
    std::vector<bool> finished_;
    std::map<std::uint32_t, std::vector<std::size_t>>
        experiments_of_;  // evaluation unit -> experiments
    int next_segment_ = 0;
};

}  // namespace aocq::engine
