// SPDX-License-Identifier: Apache-2.0
#include "engine/Part.hpp"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <optional>

#include "core/Error.hpp"

namespace aocq::engine {
namespace {

std::optional<int> whole_number(std::string_view text) {
    int value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace

std::string Part::name() const {
    return is_whole() ? "" : fmt::format("part-{}-of-{}", index, count);
}

Part parse_part(const std::string& text) {
    const auto slash = text.find('/');
    if (slash != std::string::npos) {
        const auto index = whole_number(std::string_view(text).substr(0, slash));
        const auto count = whole_number(std::string_view(text).substr(slash + 1));
        if (index && count && *index >= 0 && *index < *count) return {*index, *count};
    }
    throw Error::usage("not a part of a study")
        .advise("parts are counted from 0: --part 0/10 to --part 9/10")
        .found(text)
        .wanted("INDEX/COUNT");
}

config::Study select(const config::Study& study, Part part) {
    if (part.is_whole()) return study;
    std::vector<bool> wanted(study.experiments.size(), false);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (i % static_cast<std::size_t>(part.count) != static_cast<std::size_t>(part.index))
            continue;
        wanted[i] = true;
        const int reference = study.experiments[i].float_index;
        if (reference >= 0) wanted[static_cast<std::size_t>(reference)] = true;
    }
    config::Study selected = study;
    selected.experiments.clear();
    std::map<int, int> new_index;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (!wanted[i]) continue;
        new_index[static_cast<int>(i)] = static_cast<int>(selected.experiments.size());
        selected.experiments.push_back(study.experiments[i]);
    }
    for (auto& experiment : selected.experiments) {
        if (experiment.float_index >= 0)
            experiment.float_index = new_index.at(experiment.float_index);
    }
    return selected;
}

}  // namespace aocq::engine
