// SPDX-License-Identifier: Apache-2.0
#include "engine/CostBook.hpp"

#include <algorithm>

#include "core/Json.hpp"
#include "core/Log.hpp"

namespace aocq::engine {
namespace {

constexpr std::uint64_t largest_file = 1U << 30;

}  // namespace

CostBook::CostBook(fs::path file) : file_(std::move(file)) {
    if (!fs::exists(file_)) return;
    try {
        const Json all = parse_json(read_text(file_, largest_file), file_.string());
        for (const auto& [key, value] : all.items()) {
            entries_[key] = {value.at("kind").get<std::string>(),
                             {value.at("seconds").get<double>(), value.at("cpu").get<double>(),
                              value.at("peak").get<std::uint64_t>()}};
        }
    } catch (const std::exception& error) {
        entries_.clear();
        log_warning("the costs of earlier runs cannot be read: {}", error.what());
    }
}

void CostBook::note(const Unit& unit, const UnitCost& cost) {
    entries_[unit.key] = {unit.kind, cost};
    changed_ = true;
}

void CostBook::write() const {
    if (!changed_) return;
    Json all = Json::object();
    for (const auto& [key, entry] : entries_) {
        all[key] = {{"kind", entry.kind},
                    {"seconds", entry.cost.seconds},
                    {"cpu", entry.cost.cpu_seconds},
                    {"peak", entry.cost.peak_bytes}};
    }
    write_text(file_, canonical_json(all) + "\n");
}

std::vector<KindCost> CostBook::by_kind() const {
    std::map<std::string, KindCost> kinds;
    for (const auto& [key, entry] : entries_) {
        KindCost& kind = kinds[entry.kind];
        kind.kind = entry.kind;
        ++kind.units;
        kind.total.seconds += entry.cost.seconds;
        kind.total.cpu_seconds += entry.cost.cpu_seconds;
        kind.total.peak_bytes = std::max(kind.total.peak_bytes, entry.cost.peak_bytes);
    }
    std::vector<KindCost> sorted;
    for (auto& [name, kind] : kinds) sorted.push_back(std::move(kind));
    return sorted;
}

}  // namespace aocq::engine
