// SPDX-License-Identifier: Apache-2.0
#include "report/Label.hpp"

#include <algorithm>

#include "core/Text.hpp"

namespace aocq::report {

std::string label_of(const Json& value) {
    if (value.is_null()) return "default";
    if (value.is_string()) return one_line(value.get<std::string>());
    if (!value.is_array()) return canonical_json(value);
    if (value.empty()) return "none";
    std::vector<std::string> parts;
    for (const Json& part : value) parts.push_back(label_of(part));
    return join(parts, "+");
}

std::optional<std::string> label_at(const config::Coordinates& coordinates, std::string_view key) {
    for (const auto& [name, value] : coordinates) {
        if (name == key) return label_of(value);
    }
    return std::nullopt;
}

std::vector<std::string> short_names(std::span<const std::string> keys) {
    // "model.use" chooses the model.
    const auto last_part = [](const std::string& key) {
        const auto parts = split(key, '.');
        return parts.size() > 1 && parts.back() == "use" ? parts[parts.size() - 2] : parts.back();
    };
    std::vector<std::string> names;
    for (const auto& key : keys) {
        const auto same = std::count_if(keys.begin(), keys.end(), [&](const std::string& other) {
            return last_part(other) == last_part(key);
        });
        names.push_back(same == 1 ? last_part(key) : key);
    }
    return names;
}

bool is_seed_key(std::string_view key) {
    return key == "seed" || key.ends_with(".seed");
}

std::string one_line(std::string text) {
    for (char& c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F) c = ' ';
    }
    return text;
}

}  // namespace aocq::report
