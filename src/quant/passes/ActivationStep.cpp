// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/ActivationStep.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "quant/Simulate.hpp"
#include "quant/passes/BlockRun.hpp"
#include "quant/passes/LayerError.hpp"
#include "quant/passes/StepSearch.hpp"

namespace aocq::quant {
namespace {

struct StepOptions {
    int rounds = 2;
    std::int64_t rows = 0;
    std::int64_t images = 4;
    double margin = 0.0;
    LayerError::Mean mean = LayerError::Mean::removed;
    TokenWeightOptions tokens;
};

// `most` of the listed images, evenly spaced.
std::vector<std::int64_t> thinned(const std::vector<std::int64_t>& images, std::int64_t most) {
    const auto count = static_cast<std::int64_t>(images.size());
    const std::int64_t taken = std::min(most, count);
    std::vector<std::int64_t> chosen;
    for (std::int64_t i = 0; i < taken; ++i)
        chosen.push_back(images[static_cast<std::size_t>(i * count / taken)]);
    return chosen;
}

class BlockSteps {
  public:
    BlockSteps(const StepOptions& options, const PassContext& context, QuantizedModel& model,
               std::size_t block)
        : options_(options),
          context_(context),
          model_(model),
          block_(context.graph.blocks()[block]),
          run_(context, model, block),
          split_(split_images(run_.value(context.walk->entrance(block)).size(0))) {}

    void apply(Json& report) {
        for (const Site& site : context_.sites) {
            if (site.node < block_.first || site.node >= block_.last || site.is_weight()) continue;
            Quantizer* quantizer = model_.quantization.find(site.name);
            if (!quantizer || quantizer->scheme.mode == Mode::dynamic) continue;
            context_.may_stop();
            const nn::Role role = context_.graph.nodes()[site.node].role;
            const Objectives objectives =
                role == nn::Role::linear ? of_linear(site) : of_attention(site);
            if (!objectives.search) continue;
            settle(site, objectives, *quantizer, report);
        }
    }

  private:
    struct Objectives {
        StepObjective search, judge;
    };

    void settle(const Site& site, const Objectives& objectives, Quantizer& quantizer,
                Json& report) {
        const StepResult found = search_step(quantizer, objectives.search, options_.rounds);
        const double before = objectives.judge(quantizer),
                     after = objectives.judge(found.quantizer);
        const bool accepted = after < before * (1 - options_.margin);
        report[site.name] = {{"before", before}, {"after", accepted ? after : before}};
        if (accepted) quantizer = found.quantizer;
    }

    at::Tensor weights_of(std::size_t node) const {
        return token_weights(
            context_.sensitivity->nodes.at(context_.graph.nodes()[node].name).token_norm,
            options_.tokens);
    }

    Objectives of_linear(const Site& site) {
        const nn::ValueId input = run_.graph().nodes()[site.node].inputs.front();
        const auto& linear = std::get<nn::Linear>(run_.graph().nodes()[site.node].op);
        run_.advance(site.node);
        const at::Tensor& value = run_.value(input);
        const at::Tensor x = value.reshape({context_.walk->images(), -1, value.size(-1)});
        constexpr std::int64_t values = std::int64_t{1} << 19;
        const std::int64_t most =
            options_.rows > 0 ? options_.rows : std::max<std::int64_t>(1024, values / x.size(-1));
        const at::Tensor weights = weights_of(site.node);
        const auto error = std::make_shared<LayerError>(
            find_parameter(context_, model_, linear.weight), options_.mean);
        const auto objective = [&](const std::vector<std::int64_t>& images) -> StepObjective {
            return [rows = pick_rows(x, weights, images, most), error, site](const Quantizer& q) {
                return (*error)(fake_quantize(rows.x, site, q) - rows.x, rows.weights);
            };
        };
        return {objective(split_.search), objective(split_.judge)};
    }

    // The linear layer that takes the attention's output.
    std::size_t projection_after(std::size_t node) const {
        for (std::size_t i = node; i < block_.last; ++i) {
            if (run_.graph().nodes()[i].role == nn::Role::linear) return i;
        }
        return block_.last;
    }

    // Error of the projection's output; earlier operands are quantized, later ones not yet.
    Objectives of_attention(const Site& site) {
        run_.advance(site.node);
        const std::size_t projection = projection_after(site.node);
        if (projection == block_.last) return {};
        const auto objective = [&](const std::vector<std::int64_t>& images) -> StepObjective {
            const auto attention = std::make_shared<Attention>(*this, site, projection,
                                                               thinned(images, options_.images));
            return [attention](const Quantizer& q) { return attention->error(q); };
        };
        return {objective(split_.search), objective(split_.judge)};
    }

    class Attention {
      public:
        Attention(const BlockSteps& steps, const Site& site, std::size_t projection,
                  const std::vector<std::int64_t>& images)
            : graph_(steps.run_.graph()),
              site_(site),
              parameters_(steps.run_.parameters()),
              first_(site.node),
              last_(projection) {
            const at::Tensor index =
                at::tensor(at::ArrayRef<std::int64_t>(images.data(), images.size()));
            // Windows of an image lie one after another: an image is a run of leading rows.
            const std::int64_t all = steps.context_.walk->images();
            for (const nn::ValueId id : entering()) {
                const at::Tensor& value = steps.run_.value(id);
                std::vector<std::int64_t> sizes = value.sizes().vec();
                std::vector<std::int64_t> split = sizes;
                split[0] = all;
                split.insert(split.begin() + 1, sizes[0] / all);
                sizes[0] = -1;
                feeds_[id] = value.reshape(split).index_select(0, index).reshape(sizes);
            }
            const auto& linear = std::get<nn::Linear>(graph_.nodes()[projection].op);
            error_ =
                std::make_unique<LayerError>(parameters_.at(linear.weight), steps.options_.mean);
            weights_ = steps.weights_of(projection).index_select(0, index).reshape({-1, 1});
            // The earlier operand of the same product is quantized already.
            base_ = std::make_unique<SitePolicy>(graph_.nodes().size());
            for (const Site& other : steps.context_.sites) {
                if (other.node != site.node || other.operand >= site.operand) continue;
                if (const Quantizer* q = steps.model_.quantization.find(other.name))
                    base_->set(other, q);
            }
            target_ = output(*base_);
        }

        double error(const Quantizer& candidate) const {
            SitePolicy& policy = *base_;
            policy.set(site_, &candidate);
            const at::Tensor found = output(policy);
            policy.set(site_, nullptr);
            return (*error_)((found - target_).reshape({-1, found.size(-1)}), weights_);
        }

      private:
        // Values from before the range that it needs.
        std::vector<nn::ValueId> entering() const {
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

        at::Tensor output(SitePolicy& policy) const {
            nn::RunOptions options;
            options.first = first_;
            options.last = last_;
            const nn::ValueId wanted = graph_.nodes()[last_].inputs.front();
            options.taps = {wanted};
            options.policy = &policy;
            return nn::run(graph_, parameters_, feeds_, options).at(wanted);
        }

        const nn::Graph& graph_;
        Site site_;
        nn::Parameters parameters_;
        std::size_t first_, last_;
        nn::Values feeds_;
        std::unique_ptr<LayerError> error_;
        std::unique_ptr<SitePolicy> base_;
        at::Tensor weights_, target_;
    };

    const StepOptions& options_;
    const PassContext& context_;
    QuantizedModel& model_;
    nn::Block block_;
    BlockRun run_;
    Split split_;
};

class ActivationStep : public Pass {
  public:
    ActivationStep(StepOptions options, Form form) : options_(options), form_(form) {}

    Json parameters() const override {
        if (form_ == Form::neutral) return {{"form", "neutral"}};
        return {{"rounds", options_.rounds},
                {"rows", options_.rows},
                {"images", options_.images},
                {"margin", options_.margin},
                {"mean", options_.mean == LayerError::Mean::removed ? "removed" : "kept"},
                {"token_power", options_.tokens.power}};
    }

    Needs needs() const override { return {form_ == Form::active, form_ == Form::active}; }

    // Neutral: the fitted steps stay.
    Json apply(const PassContext& context, QuantizedModel& model) const override {
        Json report = Json::object();
        if (form_ == Form::neutral) return report;
        for (const std::size_t block : blocks_in_scope(context))
            BlockSteps(options_, context, model, block).apply(report);
        return report;
    }

  private:
    StepOptions options_;
    Form form_;
};

}  // namespace

std::unique_ptr<Pass> make_activation_step(Fields fields, Form form) {
    constexpr EnumTable<LayerError::Mean, 2> means{
        {{{LayerError::Mean::kept, "kept"}, {LayerError::Mean::removed, "removed"}}}};
    StepOptions options;
    options.rounds = static_cast<int>(fields.integer("rounds", 1, 10, options.rounds));
    options.rows = fields.integer("rows", 0, 1 << 24, options.rows);
    options.images = fields.integer("images", 1, 1 << 16, options.images);
    options.margin = fields.number("margin", 0.0, 1.0, options.margin);
    options.mean = fields.choice<LayerError::Mean>("mean", means, options.mean);
    options.tokens.power = fields.number("token_power", 0.0, 4.0, options.tokens.power);
    fields.finish();
    return std::make_unique<ActivationStep>(options, form);
}

}  // namespace aocq::quant
