// SPDX-License-Identifier: Apache-2.0
// What quantizing some sites of one block alone does to the model's prediction, on images that no
// search used: the last word on whether a change is kept. A layer's own error can be a poor judge
// (METHODS 0.5: at 8 bits a local gain made the logits worse); only the sites that the change
// touches are quantized, because the noise of all the others would drown its effect.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "quant/Pass.hpp"

namespace aocq::quant {

class LogitsJudge {
  public:
    // `images`: positions among the calibration images. `expected`: the float model's log
    // probabilities of these images; made here where it is undefined, so that other blocks' judges
    // need not make them again. The references must outlive the judge.
    LogitsJudge(const PassContext& context, std::size_t block,
                const std::vector<std::int64_t>& images, at::Tensor& expected);

    // Mean KL(float || only these sites quantized), nats. The sites are the block's.
    double divergence(const QuantizedModel& model, const std::vector<std::string>& sites) const;

  private:
    at::Tensor logits(const nn::Graph& graph, const nn::Parameters& parameters,
                      nn::OperandPolicy* policy) const;

    const PassContext& context_;
    std::size_t block_;
    at::Tensor entrance_, expected_;
};

}  // namespace aocq::quant
