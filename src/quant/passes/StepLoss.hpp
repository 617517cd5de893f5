// SPDX-License-Identifier: Apache-2.0
// What quantizing one operand does to the output of the linear layer that feels it, on given
// images: the objective of a step's search and of its learning.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "quant/Pass.hpp"
#include "quant/SitePolicy.hpp"
#include "quant/passes/BlockRun.hpp"
#include "quant/passes/LayerError.hpp"

namespace aocq::quant {

// An operand before its node uses it -> the same rounded.
using Rounding = std::function<at::Tensor(const at::Tensor&)>;

class StepLoss {
  public:
    virtual ~StepLoss() = default;
    virtual double error(const Quantizer& quantizer) const = 0;
    // The same for any rounding, a scalar that gradients can be taken of.
    virtual at::Tensor loss(const Rounding& rounding) const = 0;
};

// The input of a linear layer: rows of it and the layer's weight.
class LinearStepLoss : public StepLoss {
  public:
    // `layer` may be shared by several losses.
    LinearStepLoss(Rows rows, std::shared_ptr<const LayerError> layer, Site site);
    double error(const Quantizer& quantizer) const override;
    at::Tensor loss(const Rounding& rounding) const override;

  private:
    Rows rows_;
    at::Tensor roots_;
    std::shared_ptr<const LayerError> layer_;
    Site site_;
};

// An operand of an attention product: the error of the projection that takes the attention's
// output, the product's earlier operand quantized already, later ones not yet.
class AttentionStepLoss : public StepLoss {
  public:
    // `run` stands just before the site's node and must outlive the loss. `token_weights`: of the
    // projection [images, rows of an image].
    AttentionStepLoss(const PassContext& context, const QuantizedModel& model, const BlockRun& run,
                      const Site& site, std::size_t projection, const at::Tensor& token_weights,
                      const std::vector<std::int64_t>& images, LayerError::Mean mean);
    double error(const Quantizer& quantizer) const override;
    at::Tensor loss(const Rounding& rounding) const override;

  private:
    std::vector<nn::ValueId> entering() const;
    at::Tensor output(nn::OperandPolicy& policy) const;
    at::Tensor rows_of_error(const Rounding& rounding) const;

    const nn::Graph& graph_;
    Site site_;
    nn::Parameters parameters_;
    std::size_t first_, last_;
    nn::Values feeds_;
    std::unique_ptr<LayerError> layer_;
    std::unique_ptr<SitePolicy> base_;
    at::Tensor weights_, target_;
};

}  // namespace aocq::quant
