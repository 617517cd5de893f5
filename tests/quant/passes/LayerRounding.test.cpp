// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LayerRounding.hpp"

#include <gtest/gtest.h>

#include <map>

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"

namespace aocq::quant {
namespace {

// A layer of 6 outputs and 8 correlated inputs.
struct Layer {
    at::Tensor weight = test::formula("weight", {6, 8}).to(at::kDouble) * 3.0;
    at::Tensor gradients = test::formula("g", {60, 6}).to(at::kDouble) +
                           test::formula("common", {60, 1}).to(at::kDouble) * 2.0;
    LayerMoments moments;

    Layer() {
        const at::Tensor x = test::formula("x", {80, 8}) + test::formula("all", {80, 1}) * 2.0;
        moments = layer_moments(
            x, [](const at::Tensor& u) { return u; }, at::ones({80, 1}));
    }
    at::Tensor output() const {
        const at::Tensor g = at::mm(gradients.t(), gradients);
        return g / g.diagonal().mean();
    }
};

Quantizer quantizer_of(int bits, Granularity granularity = Granularity::channel) {
    SiteScheme scheme;
    scheme.quantized = true;
    scheme.bits = bits;
    scheme.symmetry = Symmetry::asymmetric;
    scheme.granularity = granularity;
    scheme.group = granularity == Granularity::group ? 4 : 0;
    return {"w", scheme, {}, false};
}

RoundingOptions with(Solver solver, OutputForm output = OutputForm::identity) {
    RoundingOptions options;
    options.solver = solver;
    options.output = output;
    return options;
}

double naive(const at::Tensor& g, const at::Tensor& d, const at::Tensor& h) {
    double sum = 0;
    for (std::int64_t o = 0; o < d.size(0); ++o) {
        for (std::int64_t p = 0; p < d.size(0); ++p)
            sum += g[o][p].item<double>() * at::dot(d[o], at::mv(h, d[p])).item<double>();
    }
    return sum;
}

TEST(LayerRounding, ErrorIsTheNaiveSumOverOutputsAndInputs) {
    const nn::NoGradients scope;
    const Layer layer;
    for (const OutputForm form : {OutputForm::identity, OutputForm::diagonal, OutputForm::full}) {
        const at::Tensor g = form == OutputForm::identity   ? at::eye(6, at::kDouble)
                             : form == OutputForm::diagonal ? at::diag(layer.output().diagonal())
                                                            : layer.output();
        const RoundingOptions options = with(Solver::descent, form);
        Quantizer quantizer = quantizer_of(3);
        LayerRounding rounding(options, layer.moments, g, quantizer);
        const at::Tensor d = rounding.round(layer.weight).to(at::kDouble) - layer.weight;
        const double expected = naive(g, d, layer.moments.hessian);
        EXPECT_NEAR(rounding.error(), expected, 1e-4 * expected) << output_forms.name(form);
        EXPECT_LE(rounding.error(), rounding.nearest_error()) << output_forms.name(form);
    }
}

TEST(LayerRounding, EverySolverBeatsNearestAndDescentBeatsTheSweep) {
    const nn::NoGradients scope;
    const Layer layer;
    for (const Granularity granularity :
         {Granularity::channel, Granularity::group, Granularity::tensor}) {
        std::map<Solver, double> errors;
        for (const Solver solver :
             {Solver::nearest, Solver::sweep, Solver::descent, Solver::learned}) {
            const RoundingOptions options = with(solver);
            Quantizer quantizer = quantizer_of(3, granularity);
            LayerRounding rounding(options, layer.moments, at::eye(6, at::kDouble), quantizer);
            rounding.round(layer.weight);
            errors[solver] = rounding.error();
        }
        EXPECT_LT(errors[Solver::sweep], errors[Solver::nearest]);
        EXPECT_LE(errors[Solver::descent], errors[Solver::sweep]);
        EXPECT_LT(errors[Solver::learned], errors[Solver::nearest]);
    }
}

TEST(LayerRounding, RefinementNeverRaisesTheError) {
    const nn::NoGradients scope;
    const Layer layer;
    for (const int bits : {2, 3, 4}) {
        RoundingOptions options = with(Solver::descent);
        Quantizer quantizer = quantizer_of(bits);
        LayerRounding plain(options, layer.moments, at::eye(6, at::kDouble), quantizer);
        plain.round(layer.weight);
        options.refinement = Refinement::learned;
        LayerRounding refined(options, layer.moments, at::eye(6, at::kDouble), quantizer);
        refined.round(layer.weight);
        EXPECT_LE(refined.error(), plain.error() * (1 + 1e-9)) << bits;
    }
}

TEST(LayerRounding, CoupledRowsMakeGoodEachOthersErrors) {
    const nn::NoGradients scope;
    const Layer layer;
    const at::Tensor g = layer.output();
    const RoundingOptions apart = with(Solver::descent),
                          coupled = with(Solver::descent, OutputForm::full);
    Quantizer quantizer = quantizer_of(3);
    LayerRounding rows(apart, layer.moments, at::eye(6, at::kDouble), quantizer);
    const at::Tensor alone = rows.round(layer.weight).to(at::kDouble) - layer.weight;
    LayerRounding all(coupled, layer.moments, g, quantizer);
    const at::Tensor together = all.round(layer.weight).to(at::kDouble) - layer.weight;
    EXPECT_LT(naive(g, together, layer.moments.hessian),
              0.95 * naive(g, alone, layer.moments.hessian));
}

TEST(LayerRounding, OutputWeightsDecideWhereAllRowsShareAGrid) {
    const nn::NoGradients scope;
    Layer layer;
    layer.weight[0] *= 20.0;  // one output needs a wide grid
    at::Tensor important = at::full({6}, 1e-6, at::kDouble);
    important[3] = 6.0;
    const auto scale_for = [&](const at::Tensor& weights) {
        const RoundingOptions options = with(Solver::nearest, OutputForm::diagonal);
        Quantizer quantizer = quantizer_of(4, Granularity::tensor);
        LayerRounding rounding(options, layer.moments, at::diag(weights), quantizer);
        rounding.round(layer.weight);
        return quantizer.grids.front().scale;
    };
    EXPECT_LT(scale_for(important), 0.7F * scale_for(at::ones({6}, at::kDouble)));
}

TEST(LayerRounding, CodesStayWithinTheirRangeAtEveryWidth) {
    const nn::NoGradients scope;
    const Layer layer;
    for (int bits = 2; bits <= 8; ++bits) {
        for (const OutputForm form : {OutputForm::identity, OutputForm::full}) {
            RoundingOptions options = with(Solver::descent, form);
            options.refinement = Refinement::learned;
            Quantizer quantizer = quantizer_of(bits);
            LayerRounding rounding(options, layer.moments, layer.output(), quantizer);
            const at::Tensor rounded = rounding.round(layer.weight);
            for (std::int64_t o = 0; o < 6; ++o) {
                const Grid& grid = quantizer.grids[static_cast<std::size_t>(o)];
                const at::Tensor codes = rounded[o] / grid.scale + grid.zero_point;
                EXPECT_LT((codes - at::round(codes)).abs().max().item<double>(), 1e-3);
                EXPECT_GE(codes.min().item<double>(), -1e-3);
                EXPECT_LE(codes.max().item<double>(), largest_code(bits) + 1e-3);
            }
        }
    }
}

TEST(OutputFactor, IsTheCovarianceOfTheKeptRowsShrunkToItsDiagonal) {
    const nn::NoGradients scope;
    NodeSensitivity node;
    node.rows = test::formula("rows", {30, 5});
    node.squares = node.rows.to(at::kDouble).square().sum(0);
    const at::Tensor rows = node.rows.to(at::kDouble), all = at::mm(rows.t(), rows);
    const at::Tensor expected = all / all.diagonal().mean();
    EXPECT_TRUE(at::allclose(output_factor(OutputForm::full, node, 0.0), expected, 1e-6, 1e-9));
    const at::Tensor half = output_factor(OutputForm::full, node, 0.5);
    EXPECT_TRUE(at::allclose(half.diagonal(), expected.diagonal(), 1e-6, 1e-9));
    EXPECT_TRUE(at::allclose(half[0][1], expected[0][1] / 2, 1e-6, 1e-9));
    const at::Tensor diagonal = output_factor(OutputForm::diagonal, node, 0.5);
    EXPECT_TRUE(at::allclose(diagonal, at::diag(expected.diagonal()), 1e-6, 1e-9));
    node.squares.zero_();
    EXPECT_TRUE(at::equal(output_factor(OutputForm::full, node, 0.5), at::eye(5, at::kDouble)));
}

}  // namespace
}  // namespace aocq::quant
