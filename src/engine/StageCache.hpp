// SPDX-License-Identifier: Apache-2.0
// What stages leave for others: <folder>/<kind>/<key>.h5, by content. Several runs and studies may
// use one folder at the same time: a file is whole or not there, and the first one written stays.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/Files.hpp"
#include "store/Bundle.hpp"

namespace aocq::engine {

// "synthetic" (images), "chunk", "statistics", "sensitivity", "artefact", "part" (of one that is
// made in parts), "logits", "gate"; "checkpoint" for states of unfinished stages, which nobody but
// their own stage reads.
const std::vector<std::string>& cache_kinds();

class StageCache {
  public:
    explicit StageCache(fs::path folder);

    const fs::path& folder() const { return folder_; }
    fs::path file(std::string_view kind, std::string_view key) const;

    store::Condition condition(std::string_view kind, std::string_view key) const;

    // What the file's key was hashed from; null where it does not say.
    Json identity(std::string_view kind, std::string_view key) const;

    // What another unit made, maybe a moment ago on another host, whose file this one may not see
    // yet: waits a little for it. A file that stays away or is damaged is put out of the way and
    // becomes StaleInput.
    store::Bundle read(std::string_view kind, std::string_view key) const;

    // RankBroken(Remedy::user) where the disk does not take it, or where the folder has gone.
    void keep(std::string_view kind, std::string_view key, const store::Bundle& bundle) const;

  private:
    fs::path folder_;
};

}  // namespace aocq::engine
