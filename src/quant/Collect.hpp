// SPDX-License-Identifier: Apache-2.0
// Collects the bit-free statistics of every operand, and of the outputs that somebody asks for
// (DESIGN §3.4), while the float model
// runs over calibration images. A chunk of images gives the same statistics on any rank; chunks are
// merged in order.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "nn/Executor.hpp"
#include "quant/Sites.hpp"
#include "store/Statistics.hpp"

namespace aocq::quant {

struct CollectOptions {
    std::uint64_t seed = 0;                 // of the samples
    std::int64_t samples_per_image = 512;   // values kept per site and image
    std::vector<std::string> outputs = {};  // names of output sites to observe
};

class Collector {
  public:
    Collector(const nn::Graph& graph, const nn::Parameters& parameters, CollectOptions options);
    ~Collector();
    // images [b, 3, S, S] f32; `first` is the position of the first one among all calibration
    // images.
    void add(const at::Tensor& images, std::int64_t first);
    std::vector<store::SiteStatistics> result() const;

  private:
    class Observing;
    const nn::Graph& graph_;
    const nn::Parameters& parameters_;
    std::unique_ptr<Observing> policy_;
};

// Chunks in order of their images; all of the same model.
std::vector<store::SiteStatistics> merge_chunks(
    const std::vector<std::vector<store::SiteStatistics>>& chunks);

}  // namespace aocq::quant
