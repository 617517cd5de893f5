// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/MixedPrecision.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>

#include "quant/BatchedRun.hpp"
#include "quant/SitePolicy.hpp"
#include "quant/passes/BitAllocation.hpp"
#include "quant/passes/Fit.hpp"

namespace aocq::quant {
namespace {

struct WidthOptions {
    std::vector<std::int64_t> offsets{-2, -1, 0, 1, 2};
    int largest = 8;
};

// Nodes [first, last) of a block, the last of which is a linear layer.
struct Module {
    std::string name;
    std::size_t block, first, last;
};

// The attention up to the layer that takes its output, and the other linear layers.
std::vector<Module> modules_of(const nn::Graph& graph, std::size_t block) {
    const nn::Block& range = graph.blocks()[block];
    std::vector<Module> modules;
    std::size_t first = range.first, last_linear = range.first;
    bool after_context = false;
    for (std::size_t node = range.first; node < range.last; ++node) {
        const nn::Role role = graph.nodes()[node].role;
        if (role == nn::Role::attention_context) after_context = true;
        if (role != nn::Role::linear) continue;
        last_linear = node + 1;
        if (!after_context) continue;
        modules.push_back({fmt::format("{} attention", range.name), block, first, node + 1});
        first = node + 1;
        after_context = false;
    }
    if (last_linear > first)
        modules.push_back({fmt::format("{} mlp", range.name), block, first, last_linear});
    return modules;
}

// [images] f64
at::Tensor nuclear_norms(const at::Tensor& y, std::int64_t images) {
    const at::Tensor maps = y.reshape({images, -1, y.size(-1)});
    std::vector<double> norms;
    for (std::int64_t i = 0; i < images; ++i)
        norms.push_back(at::linalg_svdvals(maps[i].to(at::kCPU, at::kDouble)).sum().item<double>());
    return at::tensor(at::ArrayRef<double>(norms.data(), norms.size()), at::kDouble);
}

class Allocation {
  public:
    Allocation(const WidthOptions& options, const PassContext& context, QuantizedModel& model)
        : options_(options),
          context_(context),
          model_(model),
          graph_(nn::edited(context.graph, model.edits)),
          parameters_(teacher_parameters(context.parameters, model)) {
        for (const std::size_t block : blocks_in_scope(context)) {
            for (Module& module : modules_of(context.graph, block))
                modules_.push_back(std::move(module));
        }
        for (const std::int64_t offset : options.offsets) trials_.push_back(trial(offset));
    }

    Json apply() {
        std::vector<std::vector<WidthChoice>> choices;
        std::int64_t budget = 0;
        for (const Module& module : modules_) {
            context_.may_stop();
            choices.push_back(choices_of(module));
            budget += size_of(module, model_.quantization);
        }
        const std::vector<std::size_t> chosen = allocate_widths(choices, budget);
        Json report = Json::object();
        for (std::size_t m = 0; m < modules_.size(); ++m) {
            const auto& found = choices[m];
            report[modules_[m].name] = {{"before", found[unchanged()].loss},
                                        {"after", found[chosen[m]].loss},
                                        {"offset", options_.offsets[chosen[m]]}};
            set(modules_[m], trials_[chosen[m]].quantization);
        }
        return report;
    }

  private:
    std::size_t unchanged() const {
        return static_cast<std::size_t>(
            std::find(options_.offsets.begin(), options_.offsets.end(), 0) -
            options_.offsets.begin());
    }

    // Calls use with every quantized site of the module.
    template <class Use>
    void for_each_site(const Module& module, const Use& use) const {
        for (const Site& site : context_.sites) {
            if (site.node < module.first || site.node >= module.last) continue;
            if (model_.quantization.find(site.name)) use(site);
        }
    }

    // Every module's widths moved by the offset, scales from extremes.
    QuantizedModel trial(std::int64_t offset) const {
        QuantizedModel moved = model_;
        for (const Module& module : modules_) {
            for_each_site(module, [&](const Site& site) {
                SiteScheme& scheme = moved.quantization.find(site.name)->scheme;
                int& bits = scheme.bits;
                const int largest = scheme.codec == Codec::uniform
                                        ? options_.largest
                                        : std::min(options_.largest, max_code_bits);
                // A width beyond the largest that a rule gave stays.
                const int most = std::max(largest, bits);
                bits = std::clamp(bits + static_cast<int>(offset), min_bits, most);
            });
        }
        PassContext context = context_;
        context.scope.clear();
        make_fit(Fields({{"observer", "minmax"}}, "mixed_precision"), Form::active)
            ->apply(context, moved);
        return moved;
    }

    at::Tensor output_of(const Module& module, nn::OperandPolicy* policy) const {
        nn::RunOptions options;
        options.first = context_.graph.blocks()[module.block].first;
        options.last = module.last;
        options.taps = {graph_.nodes()[module.last - 1].output};
        options.policy = policy;
        const at::Tensor entrance = context_.walk->teacher(module.block);
        return run_in_batches(graph_, parameters_,
                              {{context_.walk->entrance(module.block), entrance}}, options,
                              context_.walk->images(), context_.walk->limit())
            .at(options.taps.front());
    }

    std::vector<WidthChoice> choices_of(const Module& module) const {
        const std::int64_t images = context_.walk->teacher(module.block).size(0);
        const at::Tensor right = output_of(module, nullptr);
        const at::Tensor norms = nuclear_norms(right, images);
        std::vector<WidthChoice> choices;
        for (const QuantizedModel& candidate : trials_) {
            SitePolicy policy(graph_.nodes().size());
            for_each_site(module, [&](const Site& site) {
                policy.set(site, candidate.quantization.find(site.name));
            });
            const at::Tensor error = (output_of(module, &policy) - right)
                                         .to(at::kCPU, at::kDouble)
                                         .square()
                                         .reshape({images, -1})
                                         .sum(1);
            choices.push_back(
                {size_of(module, candidate.quantization), (norms * error).sum().item<double>()});
        }
        return choices;
    }

    // Bits of the module's quantized weights.
    std::int64_t size_of(const Module& module, const Quantization& quantization) const {
        std::int64_t size = 0;
        for_each_site(module, [&](const Site& site) {
            if (!site.is_weight()) return;
            size +=
                parameters_.at(site.parameter).numel() * quantization.find(site.name)->scheme.bits;
        });
        return size;
    }

    void set(const Module& module, const Quantization& from) {
        for_each_site(module, [&](const Site& site) {
            Quantizer& quantizer = *model_.quantization.find(site.name);
            quantizer.scheme.bits = from.find(site.name)->scheme.bits;
            quantizer.grids.clear();
            quantizer.fitted = quantizer.scheme.mode == Mode::dynamic;
        });
    }

    const WidthOptions& options_;
    const PassContext& context_;
    QuantizedModel& model_;
    nn::Graph graph_;
    nn::Parameters parameters_;
    std::vector<Module> modules_;
    std::vector<QuantizedModel> trials_;  // one per offset
};

class MixedPrecision : public Pass {
  public:
    MixedPrecision(WidthOptions options, Form form) : options_(std::move(options)), form_(form) {}

    Json parameters() const override {
        if (form_ == Form::neutral) return {{"form", "neutral"}};
        return {{"offsets", options_.offsets}, {"largest", options_.largest}};
    }
    Needs needs() const override { return {.images = form_ == Form::active}; }

    // Neutral: the rules' widths stay.
    Json apply(const PassContext& context, QuantizedModel& model) const override {
        if (form_ == Form::neutral) return Json::object();
        if (!context.scope.empty()) {
            throw Error::config("mixed_precision weighs the modules of all blocks")
                .advise("take it out of for_each")
                .at("scope", context.scope);
        }
        return Allocation(options_, context, model).apply();
    }

  private:
    WidthOptions options_;
    Form form_;
};

}  // namespace

std::unique_ptr<Pass> make_mixed_precision(Fields fields, Form form) {
    WidthOptions options;
    if (fields.has("offsets")) options.offsets = fields.integers("offsets", -14, 14);
    std::sort(options.offsets.begin(), options.offsets.end());
    if (std::find(options.offsets.begin(), options.offsets.end(), 0) == options.offsets.end()) {
        fields.fail("offsets", Error::config("the rules' width must be among the choices")
                                   .advise("add 0 to the offsets"));
    }
    options.largest =
        static_cast<int>(fields.integer("largest", min_bits, max_bits, options.largest));
    fields.finish();
    return std::make_unique<MixedPrecision>(std::move(options), form);
}

}  // namespace aocq::quant
