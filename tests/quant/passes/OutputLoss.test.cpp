// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/OutputLoss.hpp"

#include <gtest/gtest.h>

#include "nn/Formula.hpp"
#include "quant/StrictDevice.hpp"

namespace aocq::quant {
namespace {

using Kind = OutputGroups::Kind;

// [images, units, rows, columns]; heads 0..2 of two windows
struct Values {
    at::Tensor o = test::formula("o", {2, 6, 5, 19});
    at::Tensor g = test::formula("g", {2, 6, 5, 19});
    at::Tensor p = o + test::formula("error", {2, 6, 5, 19}, 0.1F) + 0.01;
};

// The values of one group of an image, in double.
at::Tensor of_group(const at::Tensor& x, Kind kind, std::int64_t group) {
    const at::Tensor y = x.to(at::kDouble);
    if (kind == Kind::columns) return y.select(2, group).reshape({-1});
    if (kind == Kind::units) return at::cat({y[group].reshape({-1}), y[group + 3].reshape({-1})});
    return y.reshape({-1});
}

double wanted(SearchObjective objective, const at::Tensor& o, const at::Tensor& p,
              const at::Tensor& g) {
    const auto cosine = [](const at::Tensor& a, const at::Tensor& b) {
        return ((a * b).sum() / (a.norm() * b.norm())).item<double>();
    };
    switch (objective) {
        case SearchObjective::hessian:
            return (g * (p - o)).square().sum().item<double>();
        case SearchObjective::mse:
            return (p - o).square().sum().item<double>();
        case SearchObjective::cosine:
            return 1 - cosine(o, p);
        case SearchObjective::pearson:
            break;
    }
    return 1 - cosine(o - o.mean(), p - p.mean());
}

TEST(OutputLoss, EqualsItsFormulaForEveryObjectiveAndGrouping) {
    const Values v;
    for (const auto& [objective, name] : search_objectives.rows) {
        for (const OutputGroups groups :
             {OutputGroups{}, OutputGroups{Kind::columns, 19}, OutputGroups{Kind::units, 3}}) {
            const OutputLoss loss(objective, v.o, v.g, groups);
            std::vector<double> found(loss.groups());
            for (std::int64_t image = 0; image < 2; ++image) {
                loss(image, v.p[image], found);
                for (std::int64_t group = 0; group < groups.count; ++group) {
                    const auto cut = [&](const at::Tensor& x) {
                        return of_group(x[image], groups.kind, group);
                    };
                    const double right = wanted(objective, cut(v.o), cut(v.p), cut(v.g));
                    EXPECT_NEAR(found[static_cast<std::size_t>(group)], right, 1e-5 * right)
                        << name << " " << group;
                }
            }
        }
    }
}

TEST(OutputLoss, CosineOfNearlyEqualOutputsKeepsItsDigits) {
    const Values v;
    const at::Tensor p = v.o + test::formula("error", {2, 6, 5, 19}) * 1e-4;
    for (const SearchObjective objective : {SearchObjective::cosine, SearchObjective::pearson}) {
        const OutputLoss loss(objective, v.o, {}, {});
        double found = 0;
        loss(0, p[0], {&found, 1});
        const at::Tensor o = v.o[0].to(at::kDouble).reshape({-1});
        const at::Tensor q = p[0].to(at::kDouble).reshape({-1});
        EXPECT_NEAR(found, wanted(objective, o, q, q), 1e-4 * found);
        EXPECT_GT(found, 0);
    }
}

TEST(OutputLoss, RankingCountsWithItsWeight) {
    const Values v;
    const auto of = [&](double weight) {
        const OutputLoss loss(SearchObjective::pearson, v.o, {}, {}, {weight, 0.2, 2});
        double found = 0;
        loss(0, v.p[0], {&found, 1});
        return found;
    };
    const double once = of(1.0) - of(0.0);
    EXPECT_GT(once, 0);
    EXPECT_NEAR(of(3.0) - of(0.0), 3 * once, 1e-9);
}

// On another device all images are one portion.
TEST(OutputLoss, OnAnotherDeviceIsTheSumOverTheImages) {
    const Values v;
    const at::Device device = test::other_device();
    for (const auto& [objective, name] : search_objectives.rows) {
        for (const OutputGroups groups : {OutputGroups{}, OutputGroups{Kind::units, 3}}) {
            const RankOptions rank{1.0, 0.2, 2};
            const OutputLoss here(objective, v.o, v.g, groups, rank);
            const OutputLoss there(objective, v.o.to(device), v.g.to(device), groups, rank);
            ASSERT_EQ(here.portions(), 2);
            ASSERT_EQ(there.portions(), 1);
            std::vector<double> one(here.groups()), other(one.size()), all(one.size());
            here(0, v.p[0], one);
            here(1, v.p[1], other);
            there(0, v.p.to(device), all);
            for (std::size_t g = 0; g < all.size(); ++g)
                EXPECT_NEAR(all[g], one[g] + other[g], 1e-5 * all[g]) << name << " " << g;
        }
    }
    const OutputLoss here(SearchObjective::mse, v.o, {}, {});
    const OutputLoss there(SearchObjective::mse, v.o.to(device), {}, {});
    std::vector<double> sums(19), all(19);
    for (std::int64_t image = 0; image < 2; ++image) here.add_shift(image, v.p[image], sums);
    there.add_shift(0, v.p.to(device), all);
    for (std::size_t c = 0; c < 19; ++c) EXPECT_NEAR(all[c], sums[c], 1e-5);
}

TEST(OutputLoss, ShiftIsTheSumOfTheDifferences) {
    const Values v;
    const OutputLoss loss(SearchObjective::mse, v.o, {}, {});
    std::vector<double> sums(19);
    loss.add_shift(1, v.p[1], sums);
    const at::Tensor right = (v.p[1] - v.o[1]).to(at::kDouble).sum(at::IntArrayRef{0, 1});
    for (std::int64_t c = 0; c < 19; ++c)
        EXPECT_NEAR(sums[static_cast<std::size_t>(c)], right[c].item<double>(), 1e-5);
}

}  // namespace
}  // namespace aocq::quant
