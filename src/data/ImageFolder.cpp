// SPDX-License-Identifier: Apache-2.0
#include "data/ImageFolder.hpp"

#include <map>

#include "core/Error.hpp"
#include "core/Text.hpp"
#include "data/ImageFiles.hpp"
#include "data/Synsets.hpp"

namespace aocq::data {
namespace {

namespace fs = std::filesystem;

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
            if (!is_image_name(file) || fs::is_directory(path)) continue;
            const std::string name = folder + "/" + file;
            found.entries.push_back({name, file_bytes(path), label, name});
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
