// SPDX-License-Identifier: Apache-2.0
// A small model with formula weights and statistics of a few images, for the tests of quant.
#pragma once

#include <functional>

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"
#include "nn/Swin.hpp"
#include "quant/Collect.hpp"
#include "quant/Recipe.hpp"
#include "quant/Simulate.hpp"

namespace aocq::test {

// Maps 8x8 (2x2 windows, the second block shifted) and 4x4 (one window).
inline nn::SwinShape small_swin() {
    nn::SwinShape shape;
    shape.image_size = 32;
    shape.patch_size = 4;
    shape.window = 4;
    shape.width = 24;
    shape.depths = {2, 1};
    shape.heads = {2, 4};
    shape.classes = 10;
    return shape;
}

struct Toy {
    nn::Graph graph;
    nn::Parameters parameters = formula_parameters(graph);
    std::vector<quant::Site> sites = quant::list_sites(graph);
    at::Tensor images = formula("image", {4, 3, 32, 32});
    store::StatisticsFile statistics;

    Toy() : Toy(nn::build_vit(small_shape())) {}
    // `change` may alter parameters and images before the statistics are collected.
    explicit Toy(nn::Graph model, const std::function<void(Toy&)>& change = {})
        : graph(std::move(model)) {
        const nn::NoGradients scope;
        if (change) change(*this);
        quant::Collector collector(graph, parameters, {.seed = 3});
        collector.add(images, 0);
        statistics.sites = collector.result();
    }

    // Statistics of every output too.
    void observe_outputs() {
        const nn::NoGradients scope;
        quant::CollectOptions options{.seed = 3};
        for (const auto& site : sites) {
            if (site.is_output()) options.outputs.push_back(site.name);
        }
        quant::Collector collector(graph, parameters, options);
        collector.add(images, 0);
        statistics.sites = collector.result();
    }

    std::vector<quant::SiteScheme> schemes(quant::Widths widths,
                                           const std::vector<quant::Rule>& rules = {}) const {
        return quant::resolve_scheme(sites, rules, widths);
    }

    quant::PassContext context() const { return {graph, parameters, sites, statistics}; }

    quant::Batches batches() const {
        return [this](const std::function<void(const at::Tensor&)>& use) {
            for (std::int64_t i = 0; i < images.size(0); i += 2) use(images.slice(0, i, i + 2));
        };
    }
    quant::Sensitivity sensitivity() const {
        quant::SensitivityMeter meter(graph, parameters, 5);
        meter.add(images, 0);
        return meter.result();
    }

    // Every site fitted by a recipe of the one pass "fit".
    quant::QuantizedModel fitted(quant::Widths widths, const Json& fit = Json::object(),
                                 const std::vector<quant::Rule>& rules = {}) const {
        const quant::Recipe recipe =
            quant::recipe_from(Fields({{"passes", {"fit"}}, {"fit", fit}}, "method"), graph);
        quant::QuantizedModel model;
        model.quantization = quant::Quantization(sites, schemes(widths, rules));
        model.report.push_back(recipe.stages.front().steps.front().run->apply(context(), model));
        return model;
    }

    // A whole method on the toy.
    quant::QuantizedModel made_by(const Json& method, quant::Widths widths,
                                  const std::vector<quant::Rule>& rules = {}) const {
        const nn::NoGradients scope;
        const quant::Recipe recipe = quant::recipe_from(Fields(method, "method"), graph);
        std::vector<quant::Rule> all = recipe.rules;
        all.insert(all.end(), rules.begin(), rules.end());
        const quant::Sensitivity measured = sensitivity();
        quant::QuantizedModel model;
        model.quantization = quant::Quantization(sites, schemes(widths, all));
        for (const auto& stage : recipe.stages) {
            quant::BlockWalk walk(graph, parameters, batches());
            quant::PassContext with = context();
            with.walk = &walk;
            with.sensitivity = &measured;
            quant::run_steps(stage, 0, with, model, [](std::size_t) {});
        }
        return model;
    }

    // Logits of the quantized model on the toy's images.
    at::Tensor simulated(const quant::QuantizedModel& model) const {
        const nn::NoGradients scope;
        quant::Simulation simulation(graph, parameters, model);
        return nn::forward(simulation.graph(), simulation.parameters(), images, &simulation);
    }
    at::Tensor logits() const {
        const nn::NoGradients scope;
        return nn::forward(graph, parameters, images);
    }
    // Logits of the float model with the model's equivalent rewrites.
    at::Tensor rewritten(const quant::QuantizedModel& model) const {
        const nn::NoGradients scope;
        return nn::forward(nn::edited(graph, model.edits),
                           quant::teacher_parameters(parameters, model), images);
    }
};

inline quant::Rule rule(const Json& table) {
    return quant::rule_from(Fields(table, "rule[0]"));
}

}  // namespace aocq::test
