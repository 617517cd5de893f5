// SPDX-License-Identifier: Apache-2.0
// aocq cache: what a folder of stages holds, and tidying it up.
#include <fmt/format.h>

#include <map>

#include "app/Commands.hpp"
#include "app/Results.hpp"
#include "core/Log.hpp"
#include "core/Quantities.hpp"
#include "core/Text.hpp"
#include "engine/CacheContents.hpp"

namespace aocq::app {
namespace {

struct CacheArguments {
    fs::path folder;
    std::vector<std::string> studies;
    fs::path configs;
    bool json = false;

    // A study's folder stands for the stages inside it.
    engine::StageCache cache() const {
        if (!fs::is_directory(folder)) {
            throw Error::usage("no such folder").at("file", folder.string());
        }
        return engine::StageCache(fs::exists(folder / "study.json") ? folder / "cache" : folder);
    }
    // Keys of the named studies on the numerics class of their last run.
    std::set<std::string> used() const {
        std::set<std::string> keys;
        for (const auto& study : studies) {
            StudyArguments arguments;
            arguments.study = study;
            arguments.configs = configs;
            arguments.results = fs::exists(folder / "study.json")
                                    ? fs::absolute(folder).lexically_normal().parent_path()
                                    : fs::path("results/runs");
            keys.merge(engine::keys_of(open_study(arguments).work));
        }
        return keys;
    }
    void add_to(CLI::App& command) {
        command
            .add_option("folder", folder,
                        "A study's folder (results/runs/NAME), or a folder given to --cache")
            ->required();
        command
            .add_option("--study", studies, "A study whose files count as used; may be repeated")
            ->allow_extra_args(false)
            ->take_all();
        command.add_option("--configs", configs, "Folder that 'use' looks in");
        command.add_flag("--json", json, "As JSON");
    }
};

struct Sum {
    std::size_t files = 0, used = 0;
    std::uint64_t bytes = 0, used_bytes = 0;
};

int list(const CacheArguments& arguments) {
    const auto cache = arguments.cache();
    const auto used = arguments.used();
    std::map<std::string, Sum> sums;
    for (const auto& file : engine::list_files(cache)) {
        Sum& sum = sums[file.kind];
        ++sum.files;
        sum.bytes += file.bytes;
        if (!used.contains(file.key)) continue;
        ++sum.used;
        sum.used_bytes += file.bytes;
    }
    const auto leftovers = engine::list_leftovers(cache).size();
    if (arguments.json) {
        Json kinds = Json::object();
        for (const auto& [kind, sum] : sums) {
            kinds[kind] = {{"files", sum.files},
                           {"bytes", sum.bytes},
                           {"used_files", sum.used},
                           {"used_bytes", sum.used_bytes}};
        }
        fmt::print("{}\n", Json({{"kinds", kinds}, {"leftovers", leftovers}}).dump(2));
        return exit_done;
    }
    fmt::print("{:12}  {:>7}  {:>10}", "kind", "files", "size");
    fmt::print("{}\n", arguments.studies.empty() ? "" : "     used        size");
    for (const auto& [kind, sum] : sums) {
        fmt::print("{:12}  {:>7}  {:>10}", kind, sum.files, human_bytes(sum.bytes));
        if (!arguments.studies.empty()) {
            fmt::print("  {:>7}  {:>10}", sum.used, human_bytes(sum.used_bytes));
        }
        fmt::print("\n");
    }
    if (leftovers > 0) fmt::print("\n{} temporary files of killed writers\n", leftovers);
    return exit_done;
}

struct PruneArguments {
    CacheArguments cache;
    bool unused = false, damaged = false, dry_run = false;
    std::string older_than, kind;
};

void require_criterion(const PruneArguments& arguments) {
    const bool any = arguments.unused || arguments.damaged || !arguments.older_than.empty() ||
                     !arguments.kind.empty();
    if (!any) {
        throw Error::usage("nothing says which files to remove")
            .advise("give --unused with --study, --older-than, --kind or --damaged");
    }
    if (arguments.unused && arguments.cache.studies.empty()) {
        throw Error::usage("nothing says which files are used")
            .because("--unused was given without --study")
            .advise("name every study that is to keep its files: --study a.toml --study b.toml");
    }
    const auto& kinds = engine::cache_kinds();
    if (!arguments.kind.empty() &&
        std::find(kinds.begin(), kinds.end(), arguments.kind) == kinds.end()) {
        throw Error::usage("no such kind of file").found(arguments.kind).wanted(join(kinds, ", "));
    }
}

// A file has to meet every criterion that is given.
std::vector<engine::CachedFile> to_remove(const PruneArguments& arguments,
                                          const engine::StageCache& cache) {
    auto files = engine::list_files(cache);
    const auto used = arguments.unused ? arguments.cache.used() : std::set<std::string>();
    const double age = arguments.older_than.empty() ? 0 : parse_seconds(arguments.older_than);
    std::erase_if(files, [&](const engine::CachedFile& file) {
        if (arguments.unused && used.contains(file.key)) return true;
        if (file.age < age) return true;
        if (!arguments.kind.empty() && file.kind != arguments.kind) return true;
        return arguments.damaged &&
               cache.condition(file.kind, file.key) != store::Condition::damaged;
    });
    for (auto& leftover : engine::list_leftovers(cache)) files.push_back(std::move(leftover));
    return files;
}

int prune(const PruneArguments& arguments) {
    require_criterion(arguments);
    const auto files = to_remove(arguments, arguments.cache.cache());
    std::uint64_t bytes = 0;
    std::size_t removed = 0;
    for (const auto& file : files) {
        fmt::print("{}\n", file.path.string());
        std::error_code code;
        if (!arguments.dry_run && !fs::remove(file.path, code) && code) {
            log_warning("cannot remove {}: {}", file.path.string(), code.message());
            continue;
        }
        ++removed;
        bytes += file.bytes;
    }
    fmt::print("{}{} files, {}\n", arguments.dry_run ? "would remove " : "removed ", removed,
               human_bytes(bytes));
    return exit_done;
}

}  // namespace

void add_cache(CLI::App& app, Chosen& chosen) {
    CLI::App* command = app.add_subcommand(
        "cache",
        "List or remove the kept stages of studies; what is removed is made again if needed");
    command->require_subcommand(1);

    auto listing = std::make_shared<CacheArguments>();
    CLI::App* list_command = command->add_subcommand("list", "Files and sizes by kind");
    listing->add_to(*list_command);
    list_command->callback([listing, &chosen] { chosen = [listing] { return list(*listing); }; });

    auto pruning = std::make_shared<PruneArguments>();
    CLI::App* prune_command =
        command->add_subcommand("prune", "Remove files that meet all the criteria given");
    pruning->cache.add_to(*prune_command);
    prune_command->add_flag("--unused", pruning->unused, "That no study given by --study uses");
    prune_command->add_option("--older-than", pruning->older_than, "Written before (30d, 12h)");
    prune_command->add_option("--kind", pruning->kind, join(engine::cache_kinds(), ", "));
    prune_command->add_flag("--damaged", pruning->damaged, "Whose checksum does not fit");
    prune_command->add_flag("--dry-run", pruning->dry_run, "Only say what would be removed");
    prune_command->callback([pruning, &chosen] { chosen = [pruning] { return prune(*pruning); }; });
}

}  // namespace aocq::app
