// SPDX-License-Identifier: Apache-2.0
#include "quant/BlockWalk.hpp"

#include <gtest/gtest.h>

#include "quant/Toy.hpp"

namespace aocq::quant {
namespace {

at::Tensor value_of(const nn::Graph& graph, const nn::Parameters& parameters,
                    const at::Tensor& images, nn::ValueId value, nn::OperandPolicy* policy) {
    nn::RunOptions options;
    options.taps = {value};
    options.policy = policy;
    return nn::run(graph, parameters, {{graph.input(), images}}, options).at(value);
}

TEST(BlockWalk, TeacherIsTheFloatModelsValue) {
    const nn::NoGradients scope;
    const test::Toy toy;
    BlockWalk walk(toy.graph, toy.parameters, toy.batches());
    for (const std::size_t block : {std::size_t{0}, std::size_t{1}, std::size_t{0}}) {
        const at::Tensor expected =
            value_of(toy.graph, toy.parameters, toy.images, walk.entrance(block), nullptr);
        EXPECT_TRUE(at::allclose(walk.teacher(block), expected, 1e-5, 1e-6)) << block;
    }
    EXPECT_EQ(walk.images(), 4);
}

TEST(BlockWalk, StudentIsTheSimulationsValue) {
    const nn::NoGradients scope;
    const test::Toy toy;
    const QuantizedModel model = toy.fitted({4, 4});
    BlockWalk walk(toy.graph, toy.parameters, toy.batches());
    Simulation simulation(toy.graph, toy.parameters, model);
    const at::Tensor expected =
        value_of(toy.graph, simulation.parameters(), toy.images, walk.entrance(1), &simulation);
    EXPECT_TRUE(at::allclose(walk.student(1, model), expected, 1e-4, 1e-5));
    EXPECT_FALSE(at::allclose(walk.student(1, model), walk.teacher(1), 1e-2, 1e-2));
}

TEST(BlockWalk, TakesOverWhatABlockLeftBehind) {
    const nn::NoGradients scope;
    const test::Toy toy;
    BlockWalk walk(toy.graph, toy.parameters, toy.batches());
    const at::Tensor expected = walk.teacher(1).clone();
    const nn::Block& first = toy.graph.blocks().front();
    nn::RunOptions options;
    options.first = first.first;
    options.last = first.last;
    const at::Tensor left =
        nn::run(toy.graph, toy.parameters, {{walk.entrance(0), walk.teacher(0)}}, options)
            .begin()
            ->second;
    walk.teacher_left(0, left);
    EXPECT_TRUE(walk.teacher(1).is_same(left));
    EXPECT_TRUE(at::allclose(left, expected, 1e-5, 1e-6));
    // What comes from elsewhere is not taken.
    walk.teacher_left(0, at::zeros_like(left));
    EXPECT_TRUE(walk.teacher(1).is_same(left));
}

}  // namespace
}  // namespace aocq::quant
