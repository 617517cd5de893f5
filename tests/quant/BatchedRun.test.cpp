// SPDX-License-Identifier: Apache-2.0
#include "quant/BatchedRun.hpp"

#include <gtest/gtest.h>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

// Ten images: a whole batch and a part of one.
TEST(BatchedRun, GivesWhatOneRunOverAllImagesGives) {
    const nn::NoGradients scope;
    for (const nn::Graph& graph :
         {nn::build_vit(test::small_shape()), nn::build_swin(test::small_swin())}) {
        const nn::Parameters parameters = test::formula_parameters(graph);
        const at::Tensor images = test::formula("image", {10, 3, 32, 32});
        nn::RunOptions options;
        options.taps = {graph.output()};
        for (const nn::Node& node : graph.nodes()) {
            if (node.role == nn::Role::attention_scores) options.taps.push_back(node.output);
        }
        const nn::Values feeds{{graph.input(), images}};
        const nn::Values whole = nn::run(graph, parameters, feeds, options);
        const nn::Values parts = run_in_batches(graph, parameters, feeds, options, 10);
        ASSERT_EQ(parts.size(), whole.size());
        for (const auto& [id, value] : whole) {
            ASSERT_EQ(parts.at(id).sizes(), value.sizes());
            EXPECT_TRUE(at::allclose(parts.at(id), value, 1e-4, 1e-5));
        }
    }
}

}  // namespace
}  // namespace aocq::quant
