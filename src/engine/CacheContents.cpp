// SPDX-License-Identifier: Apache-2.0
#include "engine/CacheContents.hpp"

#include <algorithm>
#include <chrono>
#include <functional>

namespace aocq::engine {
namespace {

constexpr double leftover_age = 3600;
constexpr std::size_t key_length = 40;

bool is_key(const std::string& text) {
    return text.size() == key_length && text.find_first_not_of("0123456789abcdef") == text.npos;
}

bool is_stage(const fs::path& path) {
    return path.extension() == ".h5" && is_key(path.stem().string());
}

bool is_temporary(const fs::path& path) {
    const std::string name = path.filename().string();
    return name.starts_with(".") && name.ends_with(".part");
}

double age_of(const fs::directory_entry& entry) {
    const auto now = fs::file_time_type::clock::now();
    return std::chrono::duration<double>(now - entry.last_write_time()).count();
}

std::vector<CachedFile> list(const StageCache& cache,
                             const std::function<bool(const fs::path&)>& wanted) {
    std::vector<CachedFile> files;
    for (const auto& kind : cache_kinds()) {
        std::error_code code;
        for (fs::directory_iterator entry(cache.folder() / kind, code), end; !code && entry != end;
             entry.increment(code)) {
            std::error_code gone;  // by another process, meanwhile
            if (!entry->is_regular_file(gone) || !wanted(entry->path())) continue;
            const auto bytes = entry->file_size(gone);
            if (gone) continue;
            files.push_back(
                {kind, entry->path().stem().string(), entry->path(), bytes, age_of(*entry)});
        }
    }
    std::sort(files.begin(), files.end(), [](const CachedFile& a, const CachedFile& b) {
        return std::tie(a.kind, a.key) < std::tie(b.kind, b.key);
    });
    return files;
}

}  // namespace

std::vector<CachedFile> list_files(const StageCache& cache) {
    return list(cache, is_stage);
}

std::vector<CachedFile> list_leftovers(const StageCache& cache) {
    auto files = list(cache, is_temporary);
    std::erase_if(files, [](const CachedFile& file) { return file.age < leftover_age; });
    return files;
}

std::set<std::string> keys_of(const Work& work) {
    std::set<std::string> keys;
    for (const Unit& unit : work.graph.units()) keys.insert(unit.key);
    return keys;
}

}  // namespace aocq::engine
