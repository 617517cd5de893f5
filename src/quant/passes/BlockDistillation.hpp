// SPDX-License-Identifier: Apache-2.0
// layer_distillation on one block.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "quant/Pass.hpp"
#include "quant/SitePolicy.hpp"
#include "quant/kernels/Observers.hpp"

namespace aocq::quant {

struct DistillationOptions {
    int iterations = 100;
    std::int64_t batch = 4;
    double rate = 1e-4;
    ObserverOptions weights;
};

class BlockDistillation {
  public:
    // The references must outlive the object.
    BlockDistillation(const DistillationOptions& options, const PassContext& context,
                      QuantizedModel& model, std::size_t block);

    // Learns; returns the report's entry.
    Json apply();

  private:
    void fit_weights(const nn::Parameters& parameters);
    SitePolicy policy() const;
    // Mean squared error of the block's output on these images.
    at::Tensor error(const std::vector<std::int64_t>& images, const nn::Parameters& parameters);
    double error_on(const std::vector<std::int64_t>& images, const nn::Parameters& parameters);
    void learn(const std::vector<std::int64_t>& images, nn::Parameters& parameters);

    const DistillationOptions& options_;
    const PassContext& context_;
    QuantizedModel& model_;
    nn::Block range_;
    nn::Graph graph_;
    nn::ValueId entrance_;
    at::Tensor input_, target_;
    std::vector<std::string> learned_;        // parameters: linear weights and biases
    std::map<std::string, Quantizer> grids_;  // of the block's sites, by the site's name
};

}  // namespace aocq::quant
