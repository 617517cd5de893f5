// SPDX-License-Identifier: Apache-2.0
// Labelled images behind one small interface, in a canonical order that no file system decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/Fields.hpp"
#include "data/Image.hpp"

namespace aocq::data {

// Reading (load) is safe from several threads at once.
class Dataset {
  public:
    virtual ~Dataset() = default;
    virtual std::size_t size() const = 0;
    virtual std::string name(std::size_t index) const = 0;  // relative, '/' between its parts
    virtual int label(std::size_t index) const = 0;         // 0 .. classes()-1
    virtual int classes() const = 0;
    virtual Image load(std::size_t index) const = 0;  // Error::input names the file
    // SHA-256 of what makes the dataset: names, file sizes and labels in order, or the options of a
    // generated one. Never of where it lies.
    virtual std::string fingerprint() const = 0;
    // The same of some of the images, for Subset.
    virtual std::string subset_fingerprint(std::span<const std::uint32_t> indices) const;
};

// Keys: kind = "folder" | "csv" | "ilsvrc" | "webdataset" | "generated", and
//   folder:     root, synsets (optional)
//   csv:        list, root (default: the list's folder), synsets (optional)
//   ilsvrc:     root, ground_truth, synsets, order = "ilsvrc" | "synset_from_0" | "synset_from_1",
//               ids (with order = "ilsvrc")
//   webdataset: shards, synsets (optional)
//   generated:  split = "train" | "calibration" | "evaluation", count, seed, image_size
//   all:        classes (optional): the number of the model's outputs, if larger than what is found
//   all but generated: subset (optional): a file that names the images to use, one a line
// Relative paths start at `base`. Other keys are left for the caller, who calls finish().
// Errors: Error::config for a wrong value, Error::input (with the file) for what is on disk.
std::unique_ptr<Dataset> open_dataset(Fields& fields, const std::filesystem::path& base);

// Draws of one seed for different purposes have nothing to do with each other.
enum class DrawPurpose { calibration, evaluation };

// `images` of 0 .. dataset_size-1, drawn without replacement and returned ascending; 0 means all.
// A larger draw contains the smaller one of the same seed. More than there are is Error::config.
std::vector<std::uint32_t> draw_images(std::size_t dataset_size, std::size_t images,
                                       std::uint64_t seed,
                                       DrawPurpose purpose = DrawPurpose::calibration);

// SHA-256 of the decoded pixels and sizes of these images, in this order.
std::string content_fingerprint(const Dataset& dataset, std::span<const std::uint32_t> indices);

}  // namespace aocq::data
