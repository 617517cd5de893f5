// SPDX-License-Identifier: Apache-2.0
// Where the files of one study lie:
//   study.json             whose folder this is
//   numerics.json          the numerics class of the last run
//   plans/<hash>.json      immutable plans
//   cache/<kind>/<key>.h5  statistics, artefacts, float logits: by content, shared by experiments
//                          (elsewhere where the user says so, shared by studies)
//   segments/<n>.h5        results of units, written every few seconds while the study runs
//   experiments/<key>.h5   one file per finished experiment
//   failures/<id>.json     the cause of the last failure of an experiment
//   lock                   held while a run works on the study
//   progress.json          what the run is doing, or how the last one ended
//   costs.json             what the units took: seconds and memory, of all runs
// A run of a part of the study has its own segments, lock, progress and costs, in parts/<part>/.
//   tables/                what report writes
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/Files.hpp"
#include "core/Json.hpp"
#include "engine/Part.hpp"
#include "engine/StageCache.hpp"

namespace aocq::engine {

class StudyFolder {
  public:
    // `results` is the folder of all studies, `cache` that of the stages ("": inside the study's).
    // Nothing is written.
    StudyFolder(const fs::path& results, const std::string& study, const fs::path& cache = {},
                Part part = {});

    // Makes the folder, or checks that it is this study's and not something else.
    void claim() const;
    // Writes the plan under its hash, where it is not there yet; returns its path.
    fs::path keep_plan(const Json& plan) const;

    // The numerics class of the last run: a report made on another machine reads that run's
    // results.
    void record_numerics(const std::string& numerics) const;
    std::string recorded_numerics(const std::string& fallback) const;

    const fs::path& path() const { return path_; }
    const StageCache& cache() const { return cache_; }
    fs::path result(std::string_view key) const;
    fs::path failure(std::string_view id) const;
    fs::path experiments() const { return path_ / "experiments"; }
    fs::path segments() const { return own_ / "segments"; }
    fs::path lock() const { return own_ / "lock"; }
    fs::path progress() const { return own_ / "progress.json"; }
    fs::path costs() const { return own_ / "costs.json"; }
    // Folders like this one of every part that has been run, and this one.
    std::vector<StudyFolder> all_parts() const;
    fs::path tables() const { return path_ / "tables"; }

  private:
    fs::path path_;
    fs::path own_;  // of this part: path_ for the whole
    std::string study_;
    StageCache cache_;
};

}  // namespace aocq::engine
