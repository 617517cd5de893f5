// SPDX-License-Identifier: Apache-2.0
// A small model with formula weights and statistics of a few images, for the tests of quant.
#pragma once

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"
#include "quant/Collect.hpp"
#include "quant/Recipe.hpp"

namespace aocq::test {

struct Toy {
    nn::Graph graph = nn::build_vit(small_shape());
    nn::Parameters parameters = formula_parameters(graph);
    std::vector<quant::Site> sites = quant::list_sites(graph);
    at::Tensor images = formula("image", {4, 3, 32, 32});
    store::StatisticsFile statistics;

    Toy() {
        const nn::NoGradients scope;
        quant::Collector collector(graph, parameters, {.seed = 3});
        collector.add(images, 0);
        statistics.sites = collector.result();
    }

    std::vector<quant::SiteScheme> schemes(quant::Widths widths,
                                           const std::vector<quant::Rule>& rules = {}) const {
        return quant::resolve_scheme(sites, rules, widths);
    }

    quant::PassContext context() const { return {graph, parameters, sites, statistics, {}, "", 0}; }

    // Every site fitted by a recipe of the one pass "fit".
    quant::QuantizedModel fitted(quant::Widths widths, const Json& fit = Json::object(),
                                 const std::vector<quant::Rule>& rules = {}) const {
        const quant::Recipe recipe =
            quant::recipe_from(Fields({{"passes", {"fit"}}, {"fit", fit}}, "method"), graph);
        quant::QuantizedModel model;
        model.quantization = quant::Quantization(sites, schemes(widths, rules));
        model.report.push_back(recipe.stages.front().run->apply(context(), model));
        return model;
    }
};

inline quant::Rule rule(const Json& table) {
    return quant::rule_from(Fields(table, "rule[0]"));
}

}  // namespace aocq::test
