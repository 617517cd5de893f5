// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/OutputGradients.hpp"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "nn/Autograd.hpp"
#include "quant/SampledLabels.hpp"

namespace aocq::quant {
namespace {

constexpr std::int64_t images_at_a_time = 8;

// Its gradient to the logits is rounding noise: the target is the prediction itself.
at::Tensor divergence_from_itself(const at::Tensor& logits) {
    const at::Tensor target = at::softmax(logits.detach(), -1);
    const at::Tensor found = at::log_softmax(logits, -1);
    return (target * (target.log() - found)).sum() / logits.size(0);
}

at::Tensor sampled_loss(const at::Tensor& logits, std::int64_t first, const RandomKey& key) {
    return label_losses(at::log_softmax(logits, -1), draw_labels(logits, first, key)).sum();
}

class Gradients {
  public:
    Gradients(const PassContext& context, const QuantizedModel& model, const Segment& segment,
              const std::vector<nn::ValueId>& values, const GradientOptions& options)
        : context_(context),
          segment_(segment),
          values_(values),
          options_(options),
          graph_(nn::edited(context.graph, model.edits)),
          parameters_(teacher_parameters(context.parameters, model)) {}

    std::map<nn::ValueId, at::Tensor> all() {
        const at::Tensor entrance = context_.walk->teacher(segment_.block);
        images_ = entrance.size(0);
        for (std::int64_t first = 0; first < images_; first += images_at_a_time) {
            context_.may_stop();
            const std::int64_t last = std::min(first + images_at_a_time, images_);
            add(entrance.slice(0, first, last), first, last);
        }
        return std::move(found_);
    }

  private:
    void add(const at::Tensor& entrance, std::int64_t first, std::int64_t last) {
        const at::AutoGradMode gradients_on(true);
        nn::RunOptions options;
        options.first = segment_.first;
        options.taps = values_;
        options.taps.push_back(graph_.output());
        const nn::Values ran =
            nn::run(graph_, parameters_,
                    {{context_.walk->entrance(segment_.block), nn::leaf(entrance)}}, options);
        std::vector<at::Tensor> wanted;
        for (const nn::ValueId id : values_) wanted.push_back(ran.at(id));
        const at::Tensor& logits = ran.at(graph_.output());
        const int draws = options_.source == GradientSource::sampled ? options_.draws : 1;
        std::vector<at::Tensor> squares(wanted.size());
        for (int draw = 0; draw < draws; ++draw) {
            const auto gradients = torch::autograd::grad({loss(logits, first, draw)}, wanted, {},
                                                         /*retain_graph=*/draw + 1 < draws);
            for (std::size_t i = 0; i < wanted.size(); ++i) {
                const at::Tensor g = gradients[i].detach();
                if (draws == 1) {
                    put(values_[i], g, first, last);
                } else {
                    squares[i] = squares[i].defined() ? squares[i] + g.square() : g.square();
                }
            }
        }
        for (std::size_t i = 0; draws > 1 && i < wanted.size(); ++i)
            put(values_[i], (squares[i] / draws).sqrt(), first, last);
    }

    at::Tensor loss(const at::Tensor& logits, std::int64_t first, int draw) const {
        if (options_.source == GradientSource::released) return divergence_from_itself(logits);
        return sampled_loss(logits, first,
                            RandomKey(context_.seed)
                                .child("output gradients")
                                .child(static_cast<std::uint64_t>(draw)));
    }

    void put(nn::ValueId id, const at::Tensor& g, std::int64_t first, std::int64_t last) {
        const std::int64_t rows = g.size(0) / (last - first);
        at::Tensor& whole = found_[id];
        if (!whole.defined()) {
            std::vector<std::int64_t> sizes = g.sizes().vec();
            sizes[0] = rows * images_;
            whole = room_for(sizes, g.options(), context_.walk->limit());
        }
        whole.slice(0, first * rows, last * rows).copy_(g);
    }

    const PassContext& context_;
    const Segment& segment_;
    const std::vector<nn::ValueId>& values_;
    GradientOptions options_;
    nn::Graph graph_;
    nn::Parameters parameters_;
    std::int64_t images_ = 0;
    std::map<nn::ValueId, at::Tensor> found_;
};

}  // namespace

std::map<nn::ValueId, at::Tensor> output_gradients(const PassContext& context,
                                                   const QuantizedModel& model,
                                                   const Segment& segment,
                                                   const std::vector<nn::ValueId>& values,
                                                   const GradientOptions& options) {
    return Gradients(context, model, segment, values, options).all();
}

}  // namespace aocq::quant
