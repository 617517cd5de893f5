// SPDX-License-Identifier: Apache-2.0
// Some of the images of a dataset, as a dataset.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "data/Dataset.hpp"

namespace aocq::data {

class Subset : public Dataset {
  public:
    // Indices ascending and within the dataset; at least one.
    Subset(std::unique_ptr<Dataset> dataset, std::vector<std::uint32_t> indices);

    std::size_t size() const override { return indices_.size(); }
    std::string name(std::size_t index) const override { return dataset_->name(of(index)); }
    int label(std::size_t index) const override { return dataset_->label(of(index)); }
    int classes() const override { return dataset_->classes(); }
    Image load(std::size_t index) const override { return dataset_->load(of(index)); }
    // Of files: that of a dataset that has these files only.
    std::string fingerprint() const override { return dataset_->subset_fingerprint(indices_); }
    std::string subset_fingerprint(std::span<const std::uint32_t> indices) const override;

  private:
    std::size_t of(std::size_t index) const { return indices_.at(index); }

    std::unique_ptr<Dataset> dataset_;
    std::vector<std::uint32_t> indices_;
};

// Indices of the images that a text file names, ascending: one name a line, as name() gives it or
// only its last part where no other image has that. The order of the lines means nothing.
// Error::input, with the line, for a name that is unknown, comes twice or fits several images.
std::vector<std::uint32_t> read_subset(const std::filesystem::path& list, const Dataset& dataset);

}  // namespace aocq::data
