// SPDX-License-Identifier: Apache-2.0
// Batches of preprocessed images, prepared ahead by threads and delivered in order: what comes out
// does not depend on how many threads there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "data/Dataset.hpp"
#include "data/Preprocess.hpp"

namespace aocq::data {

struct LoaderOptions {
    int batch = 16;   // images; the last batch may be smaller
    int threads = 1;  // 0: no threads, next() does the work
    int queue = 4;    // batches that may be ready or in work
};

struct Batch {
    std::size_t first = 0;               // place of its first image in the loader's list
    std::vector<std::uint32_t> indices;  // [B] in the dataset
    std::vector<int> labels;             // [B]
    std::vector<float> pixels;           // [B, 3, S, S] f32
};

class Loader {
  public:
    // The dataset must outlive the loader. Throws Error::config for a batch or queue below 1.
    Loader(const Dataset& dataset, const Preprocess& preprocess, std::vector<std::uint32_t> indices,
           LoaderOptions options = {});
    ~Loader();  // stops within about one image's time
    Loader(const Loader&) = delete;
    Loader& operator=(const Loader&) = delete;

    // The next batch, or nothing at the end. An error of a thread is thrown here, in the turn of
    // the batch it belongs to, and again by every later call. For one calling thread.
    std::optional<Batch> next();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace aocq::data
