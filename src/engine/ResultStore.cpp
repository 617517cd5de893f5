// SPDX-License-Identifier: Apache-2.0
#include "engine/ResultStore.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/Log.hpp"
#include "engine/ImageRecords.hpp"
#include "store/Bundle.hpp"

namespace aocq::engine {
namespace {

std::vector<fs::path> segment_files(const fs::path& folder) {
    std::vector<fs::path> files;
    if (!fs::is_directory(folder)) return files;
    for (const auto& entry : fs::directory_iterator(folder)) {
        if (entry.path().extension() == ".h5") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

bool is_sound(const StageCache& cache, std::string_view kind, const std::string& key) {
    switch (cache.condition(kind, key)) {
        case store::Condition::sound:
            return true;
        case store::Condition::absent:
            return false;
        case store::Condition::damaged:
            break;
    }
    const fs::path file = cache.file(kind, key);
    log_warning("a kept file is damaged: it is removed and made again [file={}]", file.string());
    std::error_code ignored;
    fs::remove(file, ignored);
    return false;
}

}  // namespace

ResultStore::ResultStore(const config::Study& study, const Work& work, const StudyFolder& folder,
                         std::set<std::string> left_out)
    : study_(study),
      work_(work),
      folder_(folder),
      left_out_(std::move(left_out)),
      finished_(work.experiments.size(), false) {
    for (std::size_t i = 0; i < work.experiments.size(); ++i) {
        for (const auto lease : work.experiments[i].leases) experiments_of_[lease].push_back(i);
    }
    read_results();
    read_segments();
}

void ResultStore::read_results() {
    for (std::size_t i = 0; i < work_.experiments.size(); ++i) {
        const fs::path file = folder_.result(work_.experiments[i].result_key);
        if (!fs::exists(file)) continue;
        try {
            const auto records = records_from_bundle(store::read_bundle(file, "result"));
            finished_[i] = static_cast<std::int64_t>(records.size()) == work_.experiments[i].images;
        } catch (const Error& error) {
            log_warning("{}; the experiment is evaluated again", error.what());
        }
    }
}

void ResultStore::read_segments() {
    for (const auto& file : segment_files(folder_.segments())) {
        next_segment_ = std::max(next_segment_, std::atoi(file.stem().c_str()) + 1);
        try {
            const store::Bundle bundle = store::read_bundle(file, "segment");
            const auto keys = bundle.attributes.at("keys").get<std::vector<std::string>>();
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const auto& bytes = bundle.values<std::uint8_t>(fmt::format("payload/{}", i));
                const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
                payloads_[keys[i]] = std::vector<std::byte>(data, data + bytes.size());
            }
        } catch (const Error& error) {
            log_warning("{}; its units are done again", error.what());
        }
    }
    for (std::size_t i = 0; i < work_.experiments.size(); ++i) finish_if_complete(i);
}

std::size_t ResultStore::finished_count() const {
    return static_cast<std::size_t>(std::count(finished_.begin(), finished_.end(), true));
}

std::vector<std::uint32_t> ResultStore::settled_units() const {
    const auto& units = work_.graph.units();
    const auto exists = [&](std::uint32_t index) {
        const auto kind = cached_kind(work_.tasks[index]);
        return kind.empty() || is_sound(folder_.cache(), kind, units[index].key);
    };
    std::vector<bool> wanted(units.size(), false), looked_at(units.size(), false);
    for (const auto& [lease, experiments] : experiments_of_) {
        const bool open = std::any_of(experiments.begin(), experiments.end(),
                                      [&](std::size_t e) { return is_to_do(e); });
        wanted[lease] = open && !payloads_.contains(units[lease].key);
    }
    // Backwards along the needs: what a wanted unit reads is wanted unless its file is there.
    const auto& order = work_.graph.order();
    for (auto unit = order.rbegin(); unit != order.rend(); ++unit) {
        if (!wanted[*unit]) continue;
        for (const auto need : units[*unit].needs) {
            if (!wanted[need] && !looked_at[need]) {
                looked_at[need] = true;
                wanted[need] = !exists(need);
            }
        }
    }
    std::vector<std::uint32_t> settled;
    for (std::uint32_t i = 0; i < units.size(); ++i) {
        if (!wanted[i]) settled.push_back(i);
    }
    return settled;
}

bool ResultStore::is_to_do(std::size_t experiment) const {
    return !finished_[experiment] && !left_out_.contains(work_.experiments[experiment].id);
}

std::size_t ResultStore::left_out() const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < finished_.size(); ++i) count += !finished_[i] && !is_to_do(i);
    return count;
}

std::set<std::string> ResultStore::finished_ids() const {
    std::set<std::string> ids;
    for (std::size_t i = 0; i < finished_.size(); ++i) {
        if (finished_[i]) ids.insert(work_.experiments[i].id);
    }
    return ids;
}

std::set<std::string> ResultStore::begun_ids() const {
    std::set<std::string> ids;
    for (const auto& [lease, experiments] : experiments_of_) {
        if (!payloads_.contains(work_.graph.unit(lease).key)) continue;
        for (const auto experiment : experiments) ids.insert(work_.experiments[experiment].id);
    }
    return ids;
}

void ResultStore::add(const Unit& unit, std::vector<std::byte> payload) {
    if (!unit.returns_payload) return;
    payloads_[unit.key] = std::move(payload);
    unsaved_.push_back(unit.key);
    const auto found = experiments_of_.find(unit.index);
    if (found == experiments_of_.end()) return;
    for (const auto experiment : found->second) finish_if_complete(experiment);
}

void ResultStore::finish_if_complete(std::size_t index) {
    const ExperimentWork& work = work_.experiments[index];
    if (finished_[index]) return;
    const auto& units = work_.graph.units();
    const bool complete =
        std::all_of(work.leases.begin(), work.leases.end(),
                    [&](std::uint32_t lease) { return payloads_.contains(units[lease].key); });
    if (!complete) return;
    std::vector<metrics::ImageResult> records;
    for (const auto lease : work.leases) {
        const auto part = decode_records(payloads_.at(units[lease].key));
        records.insert(records.end(), part.begin(), part.end());
    }
    if (static_cast<std::int64_t>(records.size()) != work.images) {
        throw Error::input("the results of an experiment are not complete")
            .at("experiment", work.id)
            .found(fmt::format("{} images", records.size()))
            .wanted(fmt::format("{} images", work.images));
    }
    const Json attributes = {{"id", work.id},
                             {"model", work.model_name},
                             {"bits", config::to_string(study_.experiments[index].bits)},
                             {"artefact", work.artefact_key}};
    store::write_bundle(folder_.result(work.result_key), to_bundle(records, attributes));
    finished_[index] = true;
    std::error_code ignored;
    fs::remove(folder_.failure(work.id), ignored);
}

void ResultStore::write_segment() {
    if (unsaved_.empty()) return;
    store::Bundle bundle{"segment", {{"keys", unsaved_}}, {}};
    for (std::size_t i = 0; i < unsaved_.size(); ++i) {
        const auto& payload = payloads_.at(unsaved_[i]);
        const auto* data = reinterpret_cast<const std::uint8_t*>(payload.data());
        bundle.arrays.push_back({fmt::format("payload/{}", i),
                                 {payload.size()},
                                 std::vector<std::uint8_t>(data, data + payload.size())});
    }
    store::write_bundle(folder_.segments() / fmt::format("{:08}.h5", next_segment_), bundle);
    ++next_segment_;
    unsaved_.clear();
}

void ResultStore::remove_segments_if_finished() {
    if (finished_count() != finished_.size()) return;
    for (const auto& file : segment_files(folder_.segments())) {
        std::error_code ignored;
        fs::remove(file, ignored);
    }
    std::error_code ignored;
    fs::remove(folder_.segments(), ignored);
}

}  // namespace aocq::engine
