// SPDX-License-Identifier: Apache-2.0
#include "config/Compose.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "config/Substitute.hpp"
#include "config/Toml.hpp"
#include "core/Fields.hpp"
#include "core/Files.hpp"
#include "core/Text.hpp"

namespace aocq::config {
namespace {

constexpr std::size_t deepest = 16;
constexpr int most_files = 256;
constexpr std::uint64_t largest_file = 1U << 20;

class Composer {
  public:
    explicit Composer(const Environment& environment) : environment_(environment) {}

    PlacedTree load(const fs::path& file) {
        std::error_code code;
        const fs::path identity = fs::weakly_canonical(file, code);
        identities_.push_back(code ? file : identity);
        names_.push_back(file.string());
        if (++files_ > most_files) {
            throw Error::config("too many files are extended").wanted("at most 256");
        }
        PlacedTree own = parse_toml(read_text(file, largest_file), file.string());
        PlacedTree result;
        for (const auto& base : bases(own, file)) merge_over(result, load(base));
        own.tree.erase("extends");
        forget_origins(own.origins, "extends");
        merge_over(result, own);
        identities_.pop_back();
        names_.pop_back();
        return result;
    }

  private:
    std::vector<fs::path> bases(const PlacedTree& own, const fs::path& file) {
        try {
            std::vector<fs::path> paths;
            for (const auto& text : Fields(own.tree, "").texts("extends")) {
                const fs::path name = substituted(text, environment_, "extends");
                paths.push_back((file.parent_path() / name).lexically_normal());
                check(paths.back());
            }
            return paths;
        } catch (const Error& error) {
            throw placed(own.origins, error);
        }
    }

    void check(const fs::path& base) const {
        std::error_code code;
        const fs::path identity = fs::weakly_canonical(base, code);
        if (!fs::is_regular_file(base, code)) {
            throw Error::config("an extended file does not exist")
                .advise("the name is relative to the file that extends it")
                .at("key", "extends")
                .found(base.string());
        }
        if (std::find(identities_.begin(), identities_.end(), identity) != identities_.end()) {
            throw Error::config("files extend each other in a circle")
                .at("key", "extends")
                .at("chain", join(names_, " -> ") + " -> " + base.string());
        }
        if (identities_.size() >= deepest) {
            throw Error::config("files extend each other too deeply")
                .at("key", "extends")
                .at("chain", join(names_, " -> ") + " -> " + base.string())
                .wanted(fmt::format("at most {} levels", deepest));
        }
    }

    const Environment& environment_;
    std::vector<fs::path> identities_;  // of the files being read, outermost first
    std::vector<std::string> names_;
    int files_ = 0;
};

}  // namespace

PlacedTree compose(const fs::path& file, const Environment& environment) {
    return Composer(environment).load(file);
}

}  // namespace aocq::config
