// SPDX-License-Identifier: Apache-2.0
// Pictures of shapes and textures made from a seed: a classification task that needs no files, so
// that tests and the quickstart run anywhere. The same bytes on every host.
#pragma once

#include <cstdint>
#include <string>

#include "core/EnumTable.hpp"
#include "data/Dataset.hpp"
#include "data/GeneratedShapes.hpp"

namespace aocq::data {

enum class Split { train, calibration, evaluation };
inline constexpr EnumTable<Split, 3> split_names{{{{Split::train, "train"},
                                                   {Split::calibration, "calibration"},
                                                   {Split::evaluation, "evaluation"}}}};

struct GeneratedOptions {
    Split split = Split::train;  // splits share no image
    std::uint64_t seed = 0;
    std::uint32_t count = 1000;
    int classes = generated_classes;  // the first so many
    int image_size = 64;              // pixels per side, 16 .. 512
};

// Image i depends on (seed, split, i, image_size, classes) only. Classes take turns: label = i mod
// classes. Position, size, rotation, colours, contrast, background, noise, clutter and occlusion
// vary; some pictures are meant to be too hard.
class GeneratedDataset : public Dataset {
  public:
    explicit GeneratedDataset(const GeneratedOptions& options);

    std::size_t size() const override { return options_.count; }
    std::string name(std::size_t index) const override;
    int label(std::size_t index) const override;
    int classes() const override { return options_.classes; }
    Image load(std::size_t index) const override;
    std::string fingerprint() const override;

  private:
    GeneratedOptions options_;
};

}  // namespace aocq::data
