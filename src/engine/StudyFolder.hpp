// SPDX-License-Identifier: Apache-2.0
// Where the files of one study lie:
//   study.json             whose folder this is
//   numerics.json          the numerics class of the last run
//   plans/<hash>.json      immutable plans
//   cache/<kind>/<key>.h5  statistics, artefacts, float logits: by content, shared by experiments
//   segments/<n>.h5        results of units, written every few seconds while the study runs
//   experiments/<key>.h5   one file per finished experiment
//   failures/<id>.json     the cause of the last failure of an experiment
//   tables/                what report writes
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "core/Files.hpp"
#include "core/Json.hpp"

namespace aocq::engine {

class StudyFolder {
  public:
    // `results` is the folder of all studies. Nothing is written.
    StudyFolder(const fs::path& results, const std::string& study);

    // Makes the folder, or checks that it is this study's and not something else.
    void claim() const;
    // Writes the plan under its hash, where it is not there yet; returns its path.
    fs::path keep_plan(const Json& plan) const;

    // The numerics class of the last run: a report made on another machine reads that run's
    // results.
    void record_numerics(const std::string& numerics) const;
    std::string recorded_numerics(const std::string& fallback) const;

    const fs::path& path() const { return path_; }
    fs::path cache(std::string_view kind, std::string_view key) const;
    fs::path result(std::string_view key) const;
    fs::path failure(std::string_view id) const;
    fs::path segments() const { return path_ / "segments"; }
    fs::path tables() const { return path_ / "tables"; }

  private:
    fs::path path_;
    std::string study_;
};

}  // namespace aocq::engine
