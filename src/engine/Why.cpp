// SPDX-License-Identifier: Apache-2.0
#include "engine/Why.hpp"

#include <algorithm>
#include <map>

#include "core/Log.hpp"

namespace aocq::engine {
namespace {

void compare(const Json& wanted, const Json& kept, const std::string& path,
             std::vector<Difference>& found) {
    if (wanted == kept) return;
    if (!wanted.is_object() || !kept.is_object()) {
        found.push_back({path, wanted, kept});
        return;
    }
    const auto below = [&](const std::string& key) {
        return path.empty() ? key : path + "/" + key;
    };
    for (const auto& [key, value] : wanted.items()) {
        compare(value, kept.contains(key) ? kept.at(key) : Json(), below(key), found);
    }
    for (const auto& [key, value] : kept.items()) {
        if (!wanted.contains(key)) found.push_back({below(key), Json(), value});
    }
}

// Identities of all files of a kind, read once.
class Kept {
  public:
    explicit Kept(const StageCache& cache) : cache_(cache) {}

    const std::map<std::string, Json>& of(std::string_view kind) {
        const auto [entry, fresh] = kinds_.try_emplace(std::string(kind));
        if (fresh) read(kind, entry->second);
        return entry->second;
    }

  private:
    void read(std::string_view kind, std::map<std::string, Json>& identities) {
        std::error_code code;
        for (fs::directory_iterator entry(cache_.folder() / kind, code), end; !code && entry != end;
             entry.increment(code)) {
            if (entry->path().extension() != ".h5") continue;
            const std::string key = entry->path().stem().string();
            try {
                Json identity = cache_.identity(kind, key);
                if (!identity.is_null()) identities[key] = std::move(identity);
            } catch (const Error& error) {
                log_warning("{}", error.what());
            }
        }
    }

    const StageCache& cache_;
    std::map<std::string, std::map<std::string, Json>> kinds_;
};

std::optional<StageReport::Nearest> nearest(const Json& wanted,
                                            const std::map<std::string, Json>& kept) {
    std::optional<StageReport::Nearest> best;
    for (const auto& [key, identity] : kept) {
        auto found = differences(wanted, identity);
        if (best && best->differences.size() <= found.size()) continue;
        best = StageReport::Nearest{key, std::move(found)};
    }
    return best;
}

// The units whose files a run would look for: behind a sound one nothing is needed.
std::map<std::uint32_t, store::Condition> looked_for(const Work& work, const StageCache& cache,
                                                     std::size_t experiment) {
    std::map<std::uint32_t, store::Condition> conditions;
    std::vector<bool> needed(work.graph.size(), false);
    for (const auto lease : work.experiments[experiment].leases) needed[lease] = true;
    const auto& order = work.graph.order();
    for (auto unit = order.rbegin(); unit != order.rend(); ++unit) {
        if (!needed[*unit]) continue;
        const auto kind = cached_kind(work.tasks[*unit]);
        const auto condition = kind.empty() ? store::Condition::absent
                                            : cache.condition(kind, work.graph.unit(*unit).key);
        if (!kind.empty()) conditions[*unit] = condition;
        if (condition == store::Condition::sound) continue;
        for (const auto need : work.graph.unit(*unit).needs) needed[need] = true;
    }
    return conditions;
}

}  // namespace

std::vector<Difference> differences(const Json& wanted, const Json& kept) {
    std::vector<Difference> found;
    compare(wanted, kept, "", found);
    return found;
}

std::vector<StageReport> explain(const Work& work, const StageCache& cache,
                                 std::size_t experiment) {
    const auto conditions = looked_for(work, cache, experiment);
    Kept kept(cache);
    std::vector<StageReport> reports;
    for (const auto index : work.graph.order()) {
        const auto found = conditions.find(index);
        if (found == conditions.end()) continue;
        const auto kind = cached_kind(work.tasks[index]);
        const Unit& unit = work.graph.unit(index);
        StageReport report{unit.label, std::string(kind), unit.key, found->second, std::nullopt};
        if (report.condition == store::Condition::absent) {
            report.nearest = nearest(parse_json(work.identities[index], "identity"), kept.of(kind));
        }
        reports.push_back(std::move(report));
    }
    return reports;
}

}  // namespace aocq::engine
