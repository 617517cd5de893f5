// SPDX-License-Identifier: Apache-2.0
#include "config/Document.hpp"

#include <cstdlib>

#include "config/Compose.hpp"
#include "config/Fragments.hpp"
#include "config/Overrides.hpp"
#include "config/Substitute.hpp"

namespace aocq::config {
namespace {

std::optional<std::string> process_environment(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
}

}  // namespace

Document load_document(const std::filesystem::path& file, const LoadOptions& options) {
    const Environment environment =
        options.environment ? options.environment : Environment(process_environment);
    PlacedTree content = compose(file, environment);
    apply_overrides(content, options.overrides);
    // Only now: a value that was overridden does not need its variable.
    substitute_all(content, environment, "");

    Document document;
    document.tree = std::move(content.tree);
    document.origins = std::move(content.origins);
    document.folder = std::filesystem::absolute(file).lexically_normal().parent_path();
    document.configs = options.configs.empty() ? nearest_configs(document.folder) : options.configs;
    load_fragments(document, environment);
    document.float_counts = read_float_counts(document.configs, environment);
    return document;
}

}  // namespace aocq::config
