// SPDX-License-Identifier: Apache-2.0
#include "data/Synsets.hpp"

#include <fmt/format.h>

#include "core/Error.hpp"
#include "core/Files.hpp"
#include "core/Text.hpp"

namespace aocq::data {

std::map<std::string, int> read_synsets(const std::filesystem::path& file) {
    std::map<std::string, int> synsets;
    int line_number = 0;
    for (const std::string& line : split(read_text(file), '\n')) {
        ++line_number;
        const std::string_view text = trim(line);
        if (text.empty()) continue;
        const std::string name(text.substr(0, text.find_first_of(" \t")));
        if (!synsets.emplace(name, static_cast<int>(synsets.size())).second) {
            throw Error::input("class is listed twice")
                .at("file", fmt::format("{}:{}", file.string(), line_number))
                .found(name);
        }
    }
    if (synsets.empty()) {
        throw Error::input("list of classes is empty").at("file", file.string());
    }
    return synsets;
}

}  // namespace aocq::data
