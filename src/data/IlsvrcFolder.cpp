// SPDX-License-Identifier: Apache-2.0
#include "data/IlsvrcFolder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>
#include <system_error>
#include <vector>

#include "core/Error.hpp"
#include "data/IlsvrcLabels.hpp"
#include "data/ImageFiles.hpp"
#include "data/Synsets.hpp"

namespace aocq::data {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> sorted_classes(const fs::path& file) {
    std::vector<std::string> names;
    for (const auto& [name, index] : read_synsets(file)) {
        if (index != static_cast<int>(names.size())) {
            throw Error::input("list of classes is not sorted")
                .because("ILSVRC's class index is the place in the sorted list of synsets")
                .advise("sort it, or take the list that belongs to the weights")
                .at("file", file.string())
                .at("class", name);
        }
        names.push_back(name);
    }
    return names;
}

// The class index of every image's number, which starts at 1.
class Labels {
  public:
    Labels(const IlsvrcFiles& files, const std::vector<std::string>& classes)
        : ground_truth_(files.ground_truth),
          order_(files.order),
          classes_(static_cast<int>(classes.size())),
          truth_(read_ground_truth(files.ground_truth)) {
        if (order_ == LabelOrder::ilsvrc) {
            ids_ = read_ilsvrc_ids(files.ids, read_synsets(files.synsets));
        }
        // All lines, also those of images that are not here: only the whole file tells orders
        // apart.
        for (std::size_t number = 1; number <= truth_.size(); ++number) of(number);
    }

    std::size_t size() const { return truth_.size(); }

    int of(std::size_t number) const {
        const int id = truth_[number - 1];
        const int label = label_of(id);
        if (label >= 0 && label < classes_) return label;
        throw Error::input("ground truth names no class")
            .advise("check the key `order`: what these numbers count")
            .at("file", fmt::format("{}:{}", ground_truth_.string(), number))
            .found(std::to_string(id))
            .wanted(wanted());
    }

  private:
    int label_of(int id) const {
        if (order_ == LabelOrder::synset_from_0) return id;
        if (order_ == LabelOrder::synset_from_1) return id - 1;
        const auto found = ids_.find(id);
        return found == ids_.end() ? -1 : found->second;
    }
    std::string wanted() const {
        if (order_ == LabelOrder::ilsvrc) return "an id that the list of ids gives a class";
        const int first = order_ == LabelOrder::synset_from_0 ? 0 : 1;
        return fmt::format("{} to {}", first, classes_ - 1 + first);
    }

    fs::path ground_truth_;
    LabelOrder order_;
    int classes_;
    std::vector<int> truth_;
    std::map<int, int> ids_;
};

// The digits before the ending, after the last '_'.
std::size_t number_of(const fs::path& image, std::size_t images) {
    const std::string stem = image.stem().string();
    const std::string_view digits = std::string_view(stem).substr(stem.rfind('_') + 1);
    std::size_t number = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (code == std::errc() && end == digits.data() + digits.size() && number >= 1 &&
        number <= images) {
        return number;
    }
    throw Error::input("image has no number that the ground truth knows")
        .advise("images are named like ILSVRC2012_val_00000001.JPEG; move others away")
        .at("file", image.string())
        .wanted(fmt::format("1 to {}", images));
}

FileList scan(const IlsvrcFiles& files, int classes) {
    const std::vector<std::string> names = sorted_classes(files.synsets);
    const Labels labels(files, names);
    FileList found{
        files.root, {}, checked_classes(static_cast<int>(names.size()), classes), files.root};
    std::vector<bool> seen(labels.size() + 1);
    for (const std::string& file : sorted_names(files.root)) {
        const fs::path path = files.root / file;
        if (!is_image_name(file) || fs::is_directory(path)) continue;
        const std::size_t number = number_of(path, labels.size());
        if (seen[number]) {
            throw Error::input("two images have the same number").at("file", path.string());
        }
        seen[number] = true;
        const int label = labels.of(number);
        found.entries.push_back(
            {names[static_cast<std::size_t>(label)] + "/" + file, file_bytes(path), label, file});
    }
    std::sort(found.entries.begin(), found.entries.end(),
              [](const auto& a, const auto& b) { return comes_before(a.name, b.name); });
    return found;
}

}  // namespace

IlsvrcFolder::IlsvrcFolder(const IlsvrcFiles& files, int classes)
    : FileDataset(scan(files, classes)) {}

}  // namespace aocq::data
