// SPDX-License-Identifier: Apache-2.0
// The part of LayerSearch that goes on by gradients.
#include <c10/core/GradMode.h>

#include "nn/Autograd.hpp"
#include "quant/passes/Adam.hpp"
#include "quant/passes/BalanceGradient.hpp"
#include "quant/passes/LayerBalance.hpp"
#include "quant/passes/Ranges.hpp"

namespace aocq::quant {
namespace {

bool has_one_grid(const Quantizer* quantizer) {
    return quantizer && quantizer->scheme.mode == Mode::fixed &&
           quantizer->scheme.codec == Codec::uniform &&
           quantizer->scheme.granularity != Granularity::channel;
}

Balance times(const Balance& balance, const at::Tensor& factor) {
    return {balance.scale * factor, balance.shift};
}

}  // namespace

std::vector<LayerSearch::Loss> LayerSearch::losses_of(const Candidate& start) const {
    std::vector<Loss> losses;
    for (const Part& part : search_) {
        const Balance balance = balance_of(part.extremes, start.alpha, start.shifted);
        if (has_one_grid(task_.input)) {
            losses.push_back([this, &part, balance, start](const at::Tensor& factor) {
                return input_loss(part.rows, part.extremes, times(balance, factor),
                                  range_factor(start.shrunk), task_.input->scheme, layer_);
            });
        }
        if (task_.companion && has_one_grid(task_.companion->quantizer)) {
            losses.push_back([this, &part, balance, start](const at::Tensor& factor) {
                return input_loss(part.companion, part.companion_extremes, times(balance, factor),
                                  range_factor(start.companion_shrunk),
                                  task_.companion->quantizer->scheme, layer_) *
                       task_.companion->share;
            });
        }
    }
    if (losses.empty() || !task_.rounded) return losses;
    Quantizer fitted = *task_.rounded;
    const Site site{"weight", SiteKind::linear_weight, 0, nn::Operand::weight, "weight"};
    fit_weight_quantizer(task_.weight * start.balance.scale, site, fitted);
    const WeightLoss weight(task_.weight,
                            start.shifted ? search_moments_.shifted : search_moments_.plain, fitted,
                            start.balance.scale);
    losses.push_back([weight, scale = start.balance.scale](const at::Tensor& factor) {
        return weight(scale * factor);
    });
    return losses;
}

LayerSearch::Candidate LayerSearch::refined(const Candidate& start) const {
    if (options_.refinements == 0) return start;
    const std::vector<Loss> losses = losses_of(start);
    if (losses.empty()) return start;
    const at::Tensor log_factor = nn::leaf(at::zeros_like(start.balance.scale));
    Adam adam({log_factor}, options_.refinement_rate, options_.refinements);
    for (int i = 0; i < options_.refinements; ++i) {
        const c10::AutoGradMode on(true);
        // What all channels share changes nothing.
        const at::Tensor factor = (log_factor - log_factor.mean()).exp();
        at::Tensor loss = at::zeros({}, factor.options());
        for (const Loss& part : losses) loss = loss + part(factor);
        adam.step(nn::gradients(loss, {log_factor}));
    }
    Candidate found = evaluate(start.alpha, start.shifted, &start, log_factor.detach());
    return found.error() < start.error() ? found : start;
}

}  // namespace aocq::quant
