// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/StepLoss.hpp"

#include <algorithm>

#include "quant/Simulate.hpp"
#include "quant/passes/MiniBatch.hpp"
#include "quant/passes/RoundingError.hpp"

namespace aocq::quant {
namespace {

// The base policy, with one operand rounded by a function.
class OneRounded : public nn::OperandPolicy {
  public:
    OneRounded(SitePolicy& base, const Site& site, const Rounding& rounding)
        : base_(base), site_(site), rounding_(rounding) {}
    at::Tensor operand(std::size_t node, nn::Operand which, const at::Tensor& x) override {
        if (node == site_.node && which == site_.operand) return rounding_(x);
        return base_.operand(node, which, x);
    }
    at::Tensor softmax(std::size_t node, const at::Tensor& scores) override {
        return base_.softmax(node, scores);
    }

  private:
    SitePolicy& base_;
    const Site& site_;
    const Rounding& rounding_;
};

}  // namespace

LinearStepLoss::LinearStepLoss(Rows rows, std::shared_ptr<const LayerError> layer, Site site)
    : rows_(std::move(rows)),
      roots_(rows_.weights.sqrt().flatten().contiguous()),
      layer_(std::move(layer)),
      site_(std::move(site)) {}

double LinearStepLoss::error(const Quantizer& quantizer) const {
    return layer_->of_weighted(rounding_error(rows_.x, roots_, site_, quantizer), roots_);
}

at::Tensor LinearStepLoss::loss(const Rounding& rounding) const {
    return layer_->differentiable(rounding(rows_.x) - rows_.x, rows_.weights);
}

AttentionStepLoss::AttentionStepLoss(const PassContext& context, const QuantizedModel& model,
                                     const BlockRun& run, const Site& site, std::size_t projection,
                                     const at::Tensor& token_weights,
                                     const std::vector<std::int64_t>& images, LayerError::Mean mean)
    : graph_(run.graph()),
      site_(site),
      parameters_(run.parameters()),
      first_(site.node),
      last_(projection) {
    const std::int64_t all = context.walk->images();
    for (const nn::ValueId id : entering()) feeds_[id] = rows_of_images(run.value(id), images, all);
    const auto& linear = std::get<nn::Linear>(graph_.nodes()[projection].op);
    layer_ = std::make_unique<LayerError>(parameters_.at(linear.weight), mean);
    weights_ = rows_of_images(token_weights, images, all).reshape({-1, 1});
    base_ = std::make_unique<SitePolicy>(graph_.nodes().size());
    for (const Site& other : context.sites) {
        if (other.node != site.node || other.operand >= site.operand) continue;
        if (const Quantizer* q = model.quantization.find(other.name)) base_->set(other, q);
    }
    target_ = output(*base_);
}

double AttentionStepLoss::error(const Quantizer& quantizer) const {
    const at::Tensor rows =
        rows_of_error([&](const at::Tensor& x) { return fake_quantize(x, site_, quantizer); });
    return (*layer_)(rows, weights_);
}

at::Tensor AttentionStepLoss::loss(const Rounding& rounding) const {
    return layer_->differentiable(rows_of_error(rounding), weights_);
}

at::Tensor AttentionStepLoss::rows_of_error(const Rounding& rounding) const {
    OneRounded policy(*base_, site_, rounding);
    const at::Tensor found = output(policy);
    return (found - target_).reshape({-1, found.size(-1)});
}

// Values from before the range that it needs.
std::vector<nn::ValueId> AttentionStepLoss::entering() const {
    std::vector<nn::ValueId> inside, outside;
    for (std::size_t i = first_; i < last_; ++i) {
        for (const nn::ValueId input : graph_.nodes()[i].inputs) {
            const auto known = [&](const std::vector<nn::ValueId>& list) {
                return std::find(list.begin(), list.end(), input) != list.end();
            };
            if (!known(inside) && !known(outside)) outside.push_back(input);
        }
        inside.push_back(graph_.nodes()[i].output);
    }
    return outside;
}

at::Tensor AttentionStepLoss::output(nn::OperandPolicy& policy) const {
    nn::RunOptions options;
    options.first = first_;
    options.last = last_;
    const nn::ValueId wanted = graph_.nodes()[last_].inputs.front();
    options.taps = {wanted};
    options.policy = &policy;
    return nn::run(graph_, parameters_, feeds_, options).at(wanted);
}

}  // namespace aocq::quant
