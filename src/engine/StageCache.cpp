// SPDX-License-Identifier: Apache-2.0
#include "engine/StageCache.hpp"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <thread>

#include "core/Log.hpp"
#include "engine/dispatch/UnitRunner.hpp"

namespace aocq::engine {
namespace {

using std::chrono::milliseconds;

// Network filesystems show a new file to other hosts after a moment.
constexpr milliseconds waits[] = {milliseconds(0), milliseconds(20), milliseconds(100),
                                  milliseconds(400), milliseconds(1500)};

// A chunk is written as statistics of a few images, checkpoints and parts as unfinished artefacts.
std::string_view bundle_kind(std::string_view kind) {
    if (kind == "chunk") return "statistics";
    if (kind == "checkpoint" || kind == "part") return "artefact";
    return kind;
}

// Reading the folder makes a network filesystem forget that a file was not there.
void refresh_listing(const fs::path& folder) {
    std::error_code ignored;
    for (fs::directory_iterator entry(folder, ignored), end; !ignored && entry != end;
         entry.increment(ignored)) {
    }
}

}  // namespace

const std::vector<std::string>& cache_kinds() {
    static const std::vector<std::string> kinds = {"synthetic",   "chunk",    "statistics",
                                                   "sensitivity", "artefact", "part",
                                                   "logits",      "gate",     "checkpoint"};
    return kinds;
}

StageCache::StageCache(fs::path folder) : folder_(std::move(folder)) {}

fs::path StageCache::file(std::string_view kind, std::string_view key) const {
    return folder_ / kind / fmt::format("{}.h5", key);
}

store::Condition StageCache::condition(std::string_view kind, std::string_view key) const {
    return store::condition_of(file(kind, key), bundle_kind(kind));
}

Json StageCache::identity(std::string_view kind, std::string_view key) const {
    return store::read_header(file(kind, key), bundle_kind(kind)).identity;
}

store::Bundle StageCache::read(std::string_view kind, std::string_view key) const {
    const fs::path path = file(kind, key);
    std::optional<Error> last;
    for (const auto wait : waits) {
        std::this_thread::sleep_for(wait);
        try {
            return store::read_bundle(path, bundle_kind(kind));
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::input) throw;  // memory, not the file
            last = error;
        }
        refresh_listing(path.parent_path());
    }
    std::error_code ignored;
    fs::remove(path, ignored);
    throw StaleInput(std::string(key), *last);
}

void StageCache::keep(std::string_view kind, std::string_view key,
                      const store::Bundle& bundle) const {
    std::error_code ignored;
    if (!fs::is_directory(folder_, ignored)) {
        throw RankBroken(Error::environment("the results folder has gone")
                             .because("somebody removed or moved it while the study runs")
                             .advise("run the study again")
                             .at("file", folder_.string()),
                         Remedy::user);
    }
    try {
        store::keep_bundle(file(kind, key), bundle);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::environment) throw RankBroken(error, Remedy::user);
        throw;
    }
}

}  // namespace aocq::engine
