// SPDX-License-Identifier: Apache-2.0
// TOML: the text itself, and as a study with everything that becomes of one.
#include "config/Toml.hpp"
#include "config/Document.hpp"
#include "config/Study.hpp"
#include "core/Json.hpp"
#include "fuzz/FuzzTarget.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace aocq;
    const std::string text(reinterpret_cast<const char*>(data), size);
    if (!fuzz::reads([&] { config::parse_toml(text, "input"); })) return 0;
    static fuzz::InputFile file;
    fuzz::reads([&] {
        config::LoadOptions options;
        options.configs = "/proc/self/fdinfo";  // a folder without such files
        options.environment = [](const std::string& name) -> std::optional<std::string> {
            if (name == "AOCQ_DATA") return "/data";
            return std::nullopt;
        };
        const config::Study study =
            config::expand(config::load_document(file.with({data, size}), options));
        const Json plan = config::to_json(study);
        fuzz::require(config::to_json(config::study_from_json(plan)) == plan,
                      "a plan reads back to itself");
    });
    return 0;
}
