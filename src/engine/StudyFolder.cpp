// SPDX-License-Identifier: Apache-2.0
#include "engine/StudyFolder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/Fields.hpp"
#include "core/Sha256.hpp"

namespace aocq::engine {
namespace {

constexpr int folder_format = 1;

Error foreign(const fs::path& folder, const std::string& reason) {
    Error error = Error::input("the results folder belongs to something else");
    error.because(reason).advise("choose another one with --results, or rename the study");
    return error.at("file", folder.string());
}

constexpr std::string_view owner_name = "study.json";

// The owner's file, or its temporary name while another part that begins writes it.
bool is_owner(std::string_view name) {
    return name == owner_name || name.starts_with(fmt::format(".{}.", owner_name));
}

// What a run that was at work leaves of a folder that somebody removed under it is no obstacle.
bool has_foreign_entries(const fs::path& folder) {
    static const std::set<std::string> ours = {"cache",         "experiments", "failures",
                                               "lock",          "parts",       "plans",
                                               "progress.json", "segments",    "costs.json"};
    std::error_code code;
    for (fs::directory_iterator entry(folder, code), end; !code && entry != end;
         entry.increment(code)) {
        const std::string name = entry->path().filename().string();
        if (!ours.contains(name) && !is_owner(name)) return true;
    }
    return false;
}

}  // namespace

StudyFolder::StudyFolder(const fs::path& results, const std::string& study, const fs::path& cache,
                         Part part)
    : path_(results / study),
      own_(part.is_whole() ? path_ : path_ / "parts" / part.name()),
      study_(study),
      cache_(cache.empty() ? path_ / "cache" : cache) {}

void StudyFolder::claim() const {
    const fs::path owner = path_ / owner_name;
    const bool foreign_entries = has_foreign_entries(path_);
    // Asked after the folder was listed: a part that began in the meantime may have made the rest.
    if (fs::exists(owner)) {
        const Json value = parse_json(read_text(owner, 1U << 16), owner.string());
        if (!value.is_object() || value.value("study", Json()) != study_) {
            throw foreign(path_,
                          fmt::format("study.json names {}", value.value("study", Json()).dump()));
        }
        if (value.value("format", Json()) != folder_format) {
            throw foreign(path_, "it was written in another format");
        }
        return;
    }
    if (foreign_entries) throw foreign(path_, "it is not empty and has no study.json");
    write_text(owner, canonical_json({{"study", study_}, {"format", folder_format}}) + "\n");
}

fs::path StudyFolder::keep_plan(const Json& plan) const {
    const std::string text = canonical_json(plan) + "\n";
    const fs::path file = path_ / "plans" / (sha256_hex(text).substr(0, 16) + ".json");
    if (!fs::exists(file)) write_text(file, text);
    return file;
}

void StudyFolder::record_numerics(const std::string& numerics) const {
    write_text(path_ / "numerics.json", canonical_json({{"numerics", numerics}}) + "\n");
}

std::string StudyFolder::recorded_numerics(const std::string& fallback) const {
    const fs::path file = path_ / "numerics.json";
    if (!fs::exists(file)) return fallback;
    return Fields(parse_json(read_text(file, 1U << 16), file.string()), "").text("numerics");
}

fs::path StudyFolder::result(std::string_view key) const {
    return path_ / "experiments" / fmt::format("{}.h5", key);
}
std::vector<StudyFolder> StudyFolder::all_parts() const {
    std::vector<StudyFolder> all{*this};
    std::vector<fs::path> folders;
    std::error_code code;
    for (fs::directory_iterator entry(path_ / "parts", code), end; !code && entry != end;
         entry.increment(code)) {
        if (entry->is_directory(code)) folders.push_back(entry->path());
    }
    std::sort(folders.begin(), folders.end());
    for (const auto& folder : folders) {
        all.push_back(*this);
        all.back().own_ = folder;
    }
    return all;
}
fs::path StudyFolder::failure(std::string_view id) const {
    return path_ / "failures" / fmt::format("{}.json", id);
}

}  // namespace aocq::engine
