// SPDX-License-Identifier: Apache-2.0
#include "nn/Outliers.hpp"

#include <gtest/gtest.h>

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"

namespace aocq::nn {
namespace {

TEST(Outliers, LeaveTheLogitsAndEnlargeTheActivations) {
    const NoGradients scope;
    const OutlierOptions options;
    const VitShape shape = test::small_shape(), before = shape_before_outliers(shape, options);
    const Graph plain = build_vit(before), changed_graph = build_vit(shape);
    const Parameters parameters = test::formula_parameters(plain);
    const Parameters changed = with_outliers(shape, parameters, options);
    for (const auto& spec : changed_graph.parameters()) {
        EXPECT_EQ(changed.at(spec.name).sizes(), spec.shape) << spec.name;
    }
    const at::Tensor image = test::formula("image", {2, 3, 32, 32});
    const at::Tensor one = forward(plain, parameters, image),
                     two = forward(changed_graph, changed, image);
    const double range = (one.max() - one.min()).item<double>();
    EXPECT_LE((one - two).abs().max().item<double>(), 1e-4 * range);

    RunOptions options_of_run;
    const ValueId norm = changed_graph.find_value("blocks.0.norm2").value();
    options_of_run.taps = {norm};
    const at::Tensor wide =
        run(changed_graph, changed, {{0, image}}, options_of_run).at(norm).abs().amax({0, 1});
    EXPECT_GE((wide.max() / wide.median()).item<double>(), options.largest / 4);
}

TEST(Outliers, TouchNothingOfTheGivenParameters) {
    const OutlierOptions options;
    const Graph plain = build_vit(shape_before_outliers(test::small_shape(), options));
    const Parameters parameters = test::formula_parameters(plain);
    with_outliers(test::small_shape(), parameters, options);
    for (const auto& spec : plain.parameters()) {
        EXPECT_TRUE(at::equal(parameters.at(spec.name), test::formula(spec.name, spec.shape)))
            << spec.name;
    }
}

}  // namespace
}  // namespace aocq::nn
