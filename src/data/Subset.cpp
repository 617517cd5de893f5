// SPDX-License-Identifier: Apache-2.0
#include "data/Subset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "core/Error.hpp"
#include "core/Files.hpp"
#include "core/Text.hpp"

namespace aocq::data {
namespace {

std::string last_part(const std::string& name) {
    return name.substr(name.rfind('/') + 1);
}

// Full names and last parts to indices.
class NameIndex {
  public:
    explicit NameIndex(const Dataset& dataset) {
        for (std::size_t i = 0; i < dataset.size(); ++i) {
            const auto index = static_cast<std::uint32_t>(i);
            const std::string name = dataset.name(i);
            full_.emplace(name, index);
            const auto [place, fresh] = last_.emplace(last_part(name), index);
            if (!fresh) place->second = several;
        }
    }

    std::uint32_t find(const std::string& name) const {
        if (const auto found = full_.find(name); found != full_.end()) return found->second;
        const auto found = last_.find(name);
        if (found == last_.end()) throw Error::input("listed image is not in the dataset");
        if (found->second != several) return found->second;
        throw Error::input("listed name fits several images").advise("write the folder too");
    }

  private:
    static constexpr std::uint32_t several = 0xFFFFFFFFU;
    std::unordered_map<std::string, std::uint32_t> full_, last_;
};

}  // namespace

Subset::Subset(std::unique_ptr<Dataset> dataset, std::vector<std::uint32_t> indices)
    : dataset_(std::move(dataset)), indices_(std::move(indices)) {
    AOCQ_EXPECT(!indices_.empty() && indices_.back() < dataset_->size());
    AOCQ_EXPECT(std::is_sorted(indices_.begin(), indices_.end()));
}

std::string Subset::subset_fingerprint(std::span<const std::uint32_t> indices) const {
    std::vector<std::uint32_t> below;
    for (const std::uint32_t index : indices) below.push_back(indices_.at(index));
    return dataset_->subset_fingerprint(below);
}

std::vector<std::uint32_t> read_subset(const std::filesystem::path& list, const Dataset& dataset) {
    const NameIndex names(dataset);
    std::vector<bool> seen(dataset.size());
    std::vector<std::uint32_t> indices;
    int line_number = 0;
    for (const std::string& line : split(read_text(list), '\n')) {
        ++line_number;
        const std::string name(trim(line));
        if (name.empty()) continue;
        try {
            const std::uint32_t index = names.find(name);
            if (seen[index]) throw Error::input("image is listed twice");
            seen[index] = true;
            indices.push_back(index);
        } catch (Error& error) {
            throw error.at("file", fmt::format("{}:{}", list.string(), line_number)).found(name);
        }
    }
    if (indices.empty()) {
        throw Error::input("list of images is empty").at("file", list.string());
    }
    std::sort(indices.begin(), indices.end());
    return indices;
}

}  // namespace aocq::data
