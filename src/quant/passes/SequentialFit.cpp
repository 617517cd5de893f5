// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/SequentialFit.hpp"

#include <ATen/ATen.h>

#include "quant/BatchedRun.hpp"
#include "quant/Simulate.hpp"
#include "quant/SitePolicy.hpp"
#include "quant/passes/BalanceSites.hpp"
#include "quant/passes/ObserverFields.hpp"
#include "quant/passes/Ranges.hpp"

namespace aocq::quant {
namespace {

enum class NormInputs { scheme, channel };
constexpr EnumTable<NormInputs, 2> norm_inputs_words{
    {{{NormInputs::scheme, "scheme"}, {NormInputs::channel, "channel"}}}};

// The model behind its first block's entrance, in one run from there to the logits.
class SequentialRun {
  public:
    SequentialRun(const ObserverOptions& options, const PassContext& context, QuantizedModel& model)
        : options_(options),
          context_(context),
          model_(model),
          graph_(nn::edited(context.graph, model.edits)),
          parameters_(student_parameters(context.parameters, model)),
          policy_(graph_.nodes().size()) {}

    void apply(Json& report) {
        const std::size_t first = graph_.blocks().front().first;
        const at::Tensor entrance = context_.walk->student(0, model_);
        PiecewiseRun run(graph_, first, graph_.nodes().size(),
                         {{context_.walk->entrance(0), entrance}}, entrance.size(0),
                         context_.walk->limit());
        for (const Site& site : context_.sites) {
            Quantizer* quantizer = model_.quantization.find(site.name);
            if (site.node < first || !quantizer) continue;
            require_operand(site, *quantizer);
            context_.may_stop();
            run.advance(site.node, parameters_, &policy_);
            report[site.name] =
                site.is_weight() ? weight(site, *quantizer) : activation(run, site, *quantizer);
        }
    }

  private:
    // What leaves a node is not there yet when the node's operands are fitted.
    static void require_operand(const Site& site, const Quantizer& quantizer) {
        if (!site.is_output() && quantizer.scheme.codec != Codec::log_int) return;
        throw Error::config("sequential_fit knows operands and weights only")
            .advise("fit outputs of nodes and an integer softmax with the pass 'fit'")
            .at("site", site.name);
    }

    Json weight(const Site& site, Quantizer& quantizer) {
        at::Tensor& value = parameters_.at(site.parameter);
        observe(value, site, quantizer, options_);
        value = fake_quantize(value, site, quantizer);
        return {{"parts", quantizer.grids.size()}};
    }

    Json activation(const PiecewiseRun& run, const Site& site, Quantizer& quantizer) {
        const auto& inputs = graph_.nodes()[site.node].inputs;
        const at::Tensor& x = run.value(inputs[site.operand == nn::Operand::second ? 1 : 0]);
        const bool moves = quantizer.scheme.granularity == Granularity::channel;
        observe(x, site, quantizer, options_,
                moves ? RangeEnds::as_they_are : RangeEnds::with_zero);
        policy_.set(site, &quantizer);
        if (quantizer.grids.size() != 1) return {{"parts", quantizer.grids.size()}};
        return {{"scale", quantizer.grids.front().scale}};
    }

    const ObserverOptions& options_;
    const PassContext& context_;
    QuantizedModel& model_;
    nn::Graph graph_;
    nn::Parameters parameters_;  // fitted weights on their grids
    SitePolicy policy_;
};

class SequentialFit : public Pass {
  public:
    SequentialFit(ObserverOptions options, NormInputs norm_inputs)
        : options_(options), norm_inputs_(norm_inputs) {}

    Json parameters() const override {
        return {{"ranges", describe(options_)},
                {"norm_inputs", norm_inputs_words.name(norm_inputs_)}};
    }
    Needs needs() const override { return {.images = true}; }

    Json apply(const PassContext& context, QuantizedModel& model) const override {
        if (!context.scope.empty()) {
            throw Error::config("sequential_fit goes through the whole model")
                .advise("name it outside any for_each")
                .at("scope", context.scope);
        }
        Json report = Json::object();
        if (norm_inputs_ == NormInputs::channel) cut_norm_inputs(context, model);
        SequentialRun(options_, context, model).apply(report);
        return report;
    }

  private:
    static void cut_norm_inputs(const PassContext& context, QuantizedModel& model) {
        for (std::size_t block = 0; block < context.graph.blocks().size(); ++block) {
            for (const BalanceSite& site : find_balance_sites(context, block)) {
                if (site.kind != BalanceKind::norm) continue;
                for (const std::size_t node : site.consumers) {
                    Quantizer* q =
                        model.quantization.find(find_site(context, node, nn::Operand::first).name);
                    if (q && q->scheme.mode == Mode::fixed)
                        q->scheme.granularity = Granularity::channel;
                }
            }
        }
    }

    ObserverOptions options_;
    NormInputs norm_inputs_;
};

}  // namespace

std::unique_ptr<Pass> make_sequential_fit(Fields fields, Form form) {
    if (form == Form::neutral) {
        fields.fail("level", Error::config("this pass has no neutral form")
                                 .advise("leave out its level: every method needs ranges"));
    }
    const ObserverOptions options = raw_observer_from(fields, Observer::candidates);
    const auto norm_inputs =
        fields.choice<NormInputs>("norm_inputs", norm_inputs_words, NormInputs::scheme);
    fields.finish();
    return std::make_unique<SequentialFit>(options, norm_inputs);
}

}  // namespace aocq::quant
