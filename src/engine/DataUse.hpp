// SPDX-License-Identifier: Apache-2.0
// How a study uses a dataset: the [data.calibration] and [data.evaluation] sections.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/Json.hpp"
#include "data/Dataset.hpp"
#include "quant/SynthesisOptions.hpp"

namespace aocq::engine {

struct DataUse {
    std::unique_ptr<data::Dataset> dataset;  // evaluation: only the images to evaluate
    // Calibration images that are made from the model, in place of a dataset.
    std::optional<quant::SynthesisOptions> synthesis;
    std::int64_t images = 0;  // key 0: all; fewer are a seeded draw, not the first
    int batch = 16;  // images per forward pass; changes bits (order of sums), so it is hashed
    int chunk = 32;  // calibration images per unit; hashed, since chunks are merged in order
    int lease = 50;  // evaluation images per unit; a multiple of the batch, so it changes nothing

    std::size_t size() const;         // images there are
    int classes() const;              // 0 for synthetic images, which have no labels
    std::string fingerprint() const;  // of synthetic images: of how they are made
};

enum class Purpose { calibration, evaluation };

// Opens the dataset and checks every key of the section. For calibration the key
// source = "synthetic" or "noise" says that images are made from the model, with the table
// `synthesis` (quant/SynthesisOptions.hpp): then there need not be a dataset, and `images` are 32
// by default. Of fewer `images` than there are, the evaluation's come from the key `draw` (a seed,
// 0 by default) and not from the experiment's seed: all experiments are compared on the same ones.
DataUse open_data(const Json& section, Purpose purpose);

// Indices of the calibration images, ascending.
std::vector<std::uint32_t> calibration_images(std::size_t available, std::int64_t images,
                                              std::uint64_t seed);

}  // namespace aocq::engine
