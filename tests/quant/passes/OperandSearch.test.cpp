// SPDX-License-Identifier: Apache-2.0
// The alternating search against a search over every candidate in double.
#include "quant/passes/OperandSearch.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "quant/Toy.hpp"
#include "quant/kernels/TwinQuant.hpp"
#include "quant/passes/ScaleCandidates.hpp"

namespace aocq::quant {
namespace {

using Objective = SearchObjective;

// o, p, g [n] f64: one image's output, what quantization made of it, gradients
double naive_loss(Objective objective, const at::Tensor& o, const at::Tensor& p,
                  const at::Tensor& g) {
    if (objective == Objective::hessian) return (g * (p - o)).square().sum().item<double>();
    if (objective == Objective::mse) return (p - o).square().sum().item<double>();
    const bool centred = objective == Objective::pearson;
    const at::Tensor a = centred ? o - o.mean() : o, b = centred ? p - p.mean() : p;
    return 1 - ((a * b).sum() / (a.norm() * b.norm())).item<double>();
}

Quantizer quantizer(int bits, Granularity granularity, std::vector<float> tops,
                    std::int64_t parts = 0) {
    SiteScheme scheme;
    scheme.quantized = true;
    scheme.bits = bits;
    scheme.symmetry = Symmetry::symmetric;
    scheme.granularity = granularity;
    scheme.group = parts;
    Quantizer q{"q", scheme, {}, true};
    for (const float top : tops)
        q.grids.push_back(grid_from_range(-top, top, bits, Symmetry::symmetric));
    return q;
}

const Site input_site{"l:input", SiteKind::linear_input, 0, nn::Operand::first, ""};
const Site weight_site{"l:weight", SiteKind::linear_weight, 0, nn::Operand::weight, "l.weight"};

LinearValues linear_values() {
    LinearValues values;
    values.x = test::formula("image", {3, 11, 8}) * 2;
    values.weight = test::formula("w.weight", {6, 8}).contiguous();
    values.weight.slice(0, 3, 6).mul_(5);
    values.bias = test::formula("w.bias", {6});
    values.output = at::matmul(values.x, values.weight.t()) + values.bias;
    values.gradients = test::formula("gradient", {3, 11, 6});
    return values;
}

// The loss of the outputs [first, last) over all images, in double.
double naive_total(Objective objective, const LinearValues& v, const Quantizer& input,
                   const Quantizer& weight, std::int64_t first, std::int64_t last) {
    const at::Tensor x = fake_quantize(v.x, input_site, input).to(at::kDouble);
    const at::Tensor w = fake_quantize(v.weight, weight_site, weight).to(at::kDouble);
    const at::Tensor p = at::matmul(x, w.t()) + v.bias.to(at::kDouble);
    double sum = 0;
    for (std::int64_t i = 0; i < 3; ++i) {
        const auto cut = [&](const at::Tensor& y) {
            return y[i].to(at::kDouble).slice(1, first, last).reshape({-1});
        };
        sum += naive_loss(objective, cut(v.output), cut(p), cut(v.gradients));
    }
    return sum;
}

// The best candidate for `quantizer`, the others as they are; ties to the first.
std::vector<Grid> naive_best(const std::vector<std::vector<Grid>>& candidates, Quantizer& quantizer,
                             const std::function<double()>& loss) {
    const std::vector<Grid> before = quantizer.grids;
    std::vector<Grid> best = before;
    double least = std::numeric_limits<double>::infinity();
    for (const auto& grids : candidates) {
        quantizer.grids = grids;
        const double found = loss();
        if (found < least) {
            least = found;
            best = grids;
        }
    }
    quantizer.grids = before;
    return best;
}

void expect_as_brute_force(Objective objective, Granularity granularity, int bits) {
    const std::int64_t parts = granularity == Granularity::part ? 2 : 0;
    const std::size_t grids = granularity == Granularity::part      ? 2
                              : granularity == Granularity::channel ? 6
                                                                    : 1;
    ScaleSearchOptions options;
    options.objective = objective;
    options.candidates = 23;
    options.rounds = 2;
    LinearValues values = linear_values();
    Quantizer input = quantizer(bits, Granularity::tensor, {2.5F});
    Quantizer weight = quantizer(bits, granularity, std::vector<float>(grids, 4.0F), parts);
    Quantizer slow_input = input, slow_weight = weight;
    for (int round = 0; round < 2; ++round) {
        std::vector<Grid> found = slow_weight.grids;
        const auto width = static_cast<std::int64_t>(6 / grids);
        const auto candidates =
            scale_candidates(slow_weight, weight.grids, weight_site, options.factors());
        for (std::size_t g = 0; g < grids; ++g) {
            const auto first = static_cast<std::int64_t>(g) * width;
            found[g] = naive_best(candidates, slow_weight, [&] {
                return naive_total(objective, values, slow_input, slow_weight, first,
                                   first + width);
            })[g];
        }
        slow_weight.grids = found;
        slow_input.grids = naive_best(
            scale_candidates(slow_input, input.grids, input_site, options.factors()), slow_input,
            [&] { return naive_total(objective, values, slow_input, slow_weight, 0, 6); });
    }
    const double before = naive_total(objective, values, input, weight, 0, 6) / 3;
    const SearchFigures figures =
        search_linear(options, values, {input_site, &input}, {weight_site, &weight}, [] {});
    // A channel's correlation does not feel its scale: scales with the same codes tie.
    if (objective != Objective::pearson || granularity != Granularity::channel) {
        EXPECT_EQ(input.grids, slow_input.grids);
        EXPECT_EQ(weight.grids, slow_weight.grids);
    }
    EXPECT_NEAR(figures.before, before, 1e-4 * before);
    EXPECT_NEAR(figures.after, naive_total(objective, values, input, weight, 0, 6) / 3,
                1e-4 * before);
    EXPECT_LT(figures.after, figures.before);
}

TEST(OperandSearch, LinearLayerFindsWhatBruteForceInDoubleFinds) {
    for (const auto& [objective, name] : search_objectives.rows) {
        for (const Granularity granularity :
             {Granularity::tensor, Granularity::part, Granularity::channel}) {
            SCOPED_TRACE(std::string(name) + " " + std::string(granularities.name(granularity)));
            expect_as_brute_force(objective, granularity, 4);
        }
    }
    expect_as_brute_force(Objective::hessian, Granularity::part, 8);
}

TEST(OperandSearch, BiasCorrectionLeavesNoMeanError) {
    ScaleSearchOptions options;
    options.objective = Objective::pearson;
    options.bias_correction = true;
    LinearValues values = linear_values();
    Quantizer input = quantizer(3, Granularity::tensor, {2.5F});
    Quantizer weight = quantizer(3, Granularity::tensor, {4.0F});
    search_linear(options, values, {input_site, &input}, {weight_site, &weight}, [] {});
    const at::Tensor found = at::matmul(fake_quantize(values.x, input_site, input),
                                        fake_quantize(values.weight, weight_site, weight).t()) +
                             values.bias;
    const at::Tensor mean = (found - values.output).mean(at::IntArrayRef{0, 1});
    EXPECT_LT(mean.abs().max().item<double>(), 1e-5);
}

TEST(OperandSearch, AnOperandWithoutQuantizerStaysFloat) {
    ScaleSearchOptions options;
    LinearValues values = linear_values();
    Quantizer weight = quantizer(4, Granularity::tensor, {4.0F});
    const SearchFigures figures =
        search_linear(options, values, {input_site, nullptr}, {weight_site, &weight}, [] {});
    EXPECT_LT(figures.after, figures.before);
}

MatmulValues context_values(std::int64_t windows) {
    MatmulValues values;
    values.images = 2;
    values.lhs = at::softmax(test::formula("scores", {2 * windows, 3, 7, 7}) * 6, -1);
    values.rhs = test::formula("v", {2 * windows, 3, 7, 4});
    values.output = at::matmul(values.lhs, values.rhs);
    values.gradients = test::formula("gradient", {2 * windows, 3, 7, 4});
    return values;
}

TEST(OperandSearch, ProbabilitiesGetTheBestSplitOfTheirTwinGrids) {
    const Site lhs{"c:lhs", SiteKind::attention_probability, 0, nn::Operand::first, ""};
    const Site rhs{"c:rhs", SiteKind::attention_value, 0, nn::Operand::second, ""};
    for (const std::int64_t windows : {1, 4}) {
        const MatmulValues values = context_values(windows);
        Quantizer p = quantizer(4, Granularity::tensor, {1.0F});
        p.scheme.codec = Codec::twin;
        const TwinGrid start = twin_of_probabilities(0, 4);
        p.grids = {start.lower, start.upper};
        ScaleSearchOptions options;
        options.rounds = 1;
        double least = std::numeric_limits<double>::infinity();
        std::vector<Grid> wanted;
        for (int split = 0; split < twin_splits; ++split) {
            const TwinGrid grid = twin_of_probabilities(split, 4);
            Quantizer tried = p;
            tried.grids = {grid.lower, grid.upper};
            const at::Tensor y = at::matmul(fake_quantize(values.lhs, lhs, tried), values.rhs);
            const double loss = (values.gradients * (y - values.output))
                                    .to(at::kDouble)
                                    .square()
                                    .sum()
                                    .item<double>();
            if (loss < least) {
                least = loss;
                wanted = tried.grids;
            }
        }
        search_matmul(options, values, {lhs, &p}, {rhs, nullptr}, [] {});
        EXPECT_EQ(p.grids, wanted) << windows;
    }
}

TEST(OperandSearch, HeadsFindTheirOwnScales) {
    const Site lhs{"s:lhs", SiteKind::attention_query, 0, nn::Operand::first, ""};
    const Site rhs{"s:rhs", SiteKind::attention_key, 0, nn::Operand::second, ""};
    MatmulValues values;
    values.images = 2;
    values.lhs = test::formula("q", {2, 3, 7, 4}).clone();
    values.lhs.select(1, 1).mul_(0.3);
    values.rhs = test::formula("k", {2, 3, 7, 4});
    values.transpose_rhs = true;
    values.factor = 0.5;
    values.output = at::matmul(values.lhs, values.rhs.transpose(-2, -1)) * 0.5;
    ScaleSearchOptions options;
    options.objective = Objective::mse;
    options.from = 0.1;
    Quantizer q = quantizer(4, Granularity::head, {2.0F, 2.0F, 2.0F});
    search_matmul(options, values, {lhs, &q}, {rhs, nullptr}, [] {});
    for (std::int64_t head = 0; head < 3; ++head) {
        MatmulValues alone = values;
        alone.lhs = values.lhs.narrow(1, head, 1).contiguous();
        alone.rhs = values.rhs.narrow(1, head, 1).contiguous();
        alone.output = values.output.narrow(1, head, 1).contiguous();
        Quantizer own = quantizer(4, Granularity::tensor, {2.0F});
        search_matmul(options, alone, {lhs, &own}, {rhs, nullptr}, [] {});
        EXPECT_EQ(q.grids[static_cast<std::size_t>(head)], own.grids.front()) << head;
    }
    EXPECT_LT(q.grids[1].scale, q.grids[0].scale);
}

}  // namespace
}  // namespace aocq::quant
