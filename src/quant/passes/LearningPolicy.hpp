// SPDX-License-Identifier: Apache-2.0
// Runs a block while its quantizers are learned: some steps follow gradients, the others stay, and
// values may be left float at random (QDrop, arXiv 2203.05740).
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "core/Random.hpp"
#include "quant/SitePolicy.hpp"
#include "quant/passes/LearnableStep.hpp"

namespace aocq::quant {

// By node and operand.
using Steps = std::map<std::pair<std::size_t, nn::Operand>, std::unique_ptr<LearnableStep>>;

std::vector<at::Tensor> leaves_of(const Steps& steps);
at::Tensor penalty_of(const Steps& steps);

// Every value is left float with this probability; the masks depend on the key and on the place in
// the block only.
struct Dropping {
    double probability = 0;
    RandomKey key = RandomKey(0);
};

class LearningPolicy : public nn::OperandPolicy {
  public:
    // Learned steps where there are some, the fixed quantizers elsewhere. `progress` 0..1: how far
    // the learning is.
    LearningPolicy(const SitePolicy& fixed, const Steps& steps, double progress,
                   Dropping dropping = {})
        : fixed_(fixed), steps_(steps), progress_(progress), dropping_(dropping) {}
    at::Tensor operand(std::size_t node, nn::Operand which, const at::Tensor& x) override;
    at::Tensor softmax(std::size_t node, const at::Tensor& scores) override;

  private:
    at::Tensor kept(std::size_t node, nn::Operand which, const at::Tensor& x) const;

    const SitePolicy& fixed_;
    const Steps& steps_;
    double progress_;
    Dropping dropping_;
};

}  // namespace aocq::quant
