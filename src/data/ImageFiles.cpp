// SPDX-License-Identifier: Apache-2.0
#include "data/ImageFiles.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "core/Error.hpp"

namespace aocq::data {

namespace fs = std::filesystem;

std::string lower_case(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return result;
}

bool is_image_name(std::string_view name) {
    const std::string ending = lower_case(fs::path(name).extension().string());
    return ending == ".jpg" || ending == ".jpeg" || ending == ".png";
}

std::vector<std::string> sorted_names(const fs::path& folder) {
    std::error_code code;
    fs::directory_iterator iterator(folder, code);
    std::vector<std::string> names;
    while (!code && iterator != fs::directory_iterator()) {
        std::string name = iterator->path().filename().string();
        if (name.front() != '.') names.push_back(std::move(name));
        iterator.increment(code);
    }
    if (code) {
        throw Error::input("cannot read a folder")
            .because(code.message())
            .advise("check the path")
            .at("file", folder.string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::uint64_t file_bytes(const fs::path& file) {
    std::error_code code;
    const std::uint64_t bytes = fs::file_size(file, code);
    if (code) {
        throw Error::input("cannot read a file").because(code.message()).at("file", file.string());
    }
    return bytes;
}

}  // namespace aocq::data
