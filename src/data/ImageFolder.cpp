// SPDX-License-Identifier: Apache-2.0
#include "data/ImageFolder.hpp"

#include <algorithm>
#include <map>
#include <system_error>
#include <utility>

#include "core/Error.hpp"
#include "core/Text.hpp"
#include "data/Synsets.hpp"

namespace aocq::data {
namespace {

namespace fs = std::filesystem;

bool is_image(const fs::path& file) {
    std::string ending = file.extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return ending == ".jpg" || ending == ".jpeg" || ending == ".png";
}

// Visible names in a folder, bytewise sorted: the order of readdir is the file system's own.
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

std::uint64_t size_of(const fs::path& file) {
    std::error_code code;
    const std::uint64_t bytes = fs::file_size(file, code);
    if (code) {
        throw Error::input("cannot read a file").because(code.message()).at("file", file.string());
    }
    return bytes;
}

int class_index(const std::string& folder, const std::map<std::string, int>& synsets,
                const fs::path& list) {
    const auto found = synsets.find(folder);
    if (found != synsets.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& row : synsets) names.push_back(row.first);
    Error error = Error::input("class folder is not in the list of classes");
    const std::string near = nearest(folder, names);
    error.advise(near.empty() ? "add it to the list or move the folder away"
                              : "did you mean " + near + "?");
    throw error.at("file", list.string()).found(folder);
}

FileList scan(const fs::path& root, const fs::path& list, int classes) {
    FileList found{root, {}, 0, root};
    std::map<std::string, int> synsets;
    if (!list.empty()) synsets = read_synsets(list);
    int folders = 0;
    for (const std::string& folder : sorted_names(root)) {
        if (!fs::is_directory(root / folder)) continue;
        const int label = list.empty() ? folders : class_index(folder, synsets, list);
        ++folders;
        for (const std::string& file : sorted_names(root / folder)) {
            const fs::path path = root / folder / file;
            if (!is_image(path) || fs::is_directory(path)) continue;
            found.entries.push_back({folder + "/" + file, size_of(path), label});
        }
    }
    found.classes =
        checked_classes(list.empty() ? folders : static_cast<int>(synsets.size()), classes);
    return found;
}

}  // namespace

ImageFolder::ImageFolder(const fs::path& root, const fs::path& synsets, int classes)
    : FileDataset(scan(root, synsets, classes)) {}

}  // namespace aocq::data
