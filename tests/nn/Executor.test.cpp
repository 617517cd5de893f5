// SPDX-License-Identifier: Apache-2.0
#include "nn/Executor.hpp"

#include <gtest/gtest.h>

#include <set>

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"

namespace aocq::nn {
namespace {

class Executor : public testing::Test {
  protected:
    Graph graph = build_vit(test::small_shape());
    Parameters parameters = test::formula_parameters(graph);
    at::Tensor image = test::formula("image", {2, 3, 32, 32});

    ValueId value(const char* name) const { return graph.find_value(name).value(); }
};

TEST_F(Executor, RangeFedWithATappedValueGivesTheSameBits) {
    const NoGradients scope;
    const at::Tensor whole = forward(graph, parameters, image);
    const Block& block = graph.blocks()[1];
    const ValueId border = graph.nodes()[block.first].inputs[0];
    RunOptions prefix;
    prefix.last = block.first;
    const at::Tensor middle = run(graph, parameters, {{graph.input(), image}}, prefix).at(border);
    RunOptions suffix;
    suffix.first = block.first;
    EXPECT_TRUE(
        at::equal(run(graph, parameters, {{border, middle}}, suffix).at(graph.output()), whole));
}

TEST_F(Executor, TapsAnyValueAndTheOutputTogether) {
    const NoGradients scope;
    RunOptions options;
    options.taps = {value("blocks.0.attn.softmax"), value("blocks.1.mlp.gelu"), graph.output()};
    const Values tapped = run(graph, parameters, {{graph.input(), image}}, options);
    EXPECT_EQ(tapped.size(), 3U);
    EXPECT_EQ(tapped.at(options.taps[0]).sizes(), (std::vector<std::int64_t>{2, 3, 17, 17}));
    EXPECT_TRUE(at::allclose(tapped.at(options.taps[0]).sum(-1), at::ones({2, 3, 17}), 1e-5, 1e-6));
    EXPECT_TRUE(at::equal(tapped.at(graph.output()), forward(graph, parameters, image)));
}

TEST_F(Executor, OverriddenParameterWinsOverTheModels) {
    const NoGradients scope;
    const Parameters overrides{{"head.bias", parameters.at("head.bias") + 1}};
    RunOptions options;
    options.overrides = &overrides;
    const at::Tensor changed =
        run(graph, parameters, {{graph.input(), image}}, options).at(graph.output());
    EXPECT_TRUE(at::allclose(changed, forward(graph, parameters, image) + 1, 1e-6, 1e-6));
}

TEST_F(Executor, OverriddenValueReplacesWhatWasComputed) {
    const NoGradients scope;
    const ValueId norm = value("norm");
    const Values overrides{{norm, at::zeros({2, 17, 48})}};
    RunOptions options;
    options.value_overrides = &overrides;
    const at::Tensor logits =
        run(graph, parameters, {{graph.input(), image}}, options).at(graph.output());
    EXPECT_TRUE(at::allclose(logits, parameters.at("head.bias").expand({2, 10}), 1e-6, 1e-6));
}

TEST_F(Executor, PolicySeesEveryOperandOnce) {
    struct Counting : OperandPolicy {
        std::multiset<std::pair<std::size_t, Operand>> seen;
        at::Tensor operand(std::size_t node, Operand which, const at::Tensor& x) override {
            seen.insert({node, which});
            return x;
        }
    } policy;
    const NoGradients scope;
    forward(graph, parameters, image, &policy);
    // Two per linear node (patch embedding, 4 per block, head) and two per matmul (2 per block);
    // and the result of every node.
    EXPECT_EQ(policy.seen.size(), 2U * (1 + 2 * 4 + 1) + 2U * (2 * 2) + graph.nodes().size());
    EXPECT_EQ(policy.seen.count({graph.node_index("blocks.0.attn.scores"), Operand::second}), 1U);
    EXPECT_EQ(policy.seen.count({graph.node_index("blocks.1.residual2"), Operand::result}), 1U);
}

TEST_F(Executor, PolicyReplacesAResultBeforeAnythingReadsIt) {
    struct Doubling : OperandPolicy {
        std::size_t wanted;
        at::Tensor operand(std::size_t node, Operand which, const at::Tensor& x) override {
            return node == wanted && which == Operand::result ? x * 2.0 : x;
        }
    } policy;
    policy.wanted = graph.node_index("norm");
    const NoGradients scope;
    const at::Tensor bias = parameters.at("head.bias");
    const at::Tensor plain = forward(graph, parameters, image) - bias;
    const at::Tensor doubled = forward(graph, parameters, image, &policy) - bias;
    EXPECT_TRUE(at::allclose(doubled, plain * 2.0, 1e-5, 1e-6));
}

TEST_F(Executor, PolicyMayComputeTheSoftmaxItself) {
    struct Uniform : OperandPolicy {
        at::Tensor operand(std::size_t, Operand, const at::Tensor& x) override { return x; }
        at::Tensor softmax(std::size_t, const at::Tensor& scores) override {
            return at::full_like(scores, 1.0 / static_cast<double>(scores.size(-1)));
        }
    } policy;
    const NoGradients scope;
    RunOptions options;
    options.taps = {value("blocks.0.attn.context"), value("blocks.0.attn.value")};
    options.policy = &policy;
    const Values found = run(graph, parameters, {{graph.input(), image}}, options);
    const at::Tensor mean = found.at(options.taps[1]).mean(2, true);
    EXPECT_TRUE(at::allclose(found.at(options.taps[0]), mean.expand_as(found.at(options.taps[0])),
                             1e-4, 1e-6));
}

// Gradients against central differences in float64 at a few places of an input, a parameter and a
// tapped value.
TEST_F(Executor, GradientsEqualFiniteDifferences) {
    for (auto& [name, tensor] : parameters) tensor = tensor.to(at::kDouble);
    const at::Tensor x = image.to(at::kDouble);
    const ValueId border = graph.nodes()[graph.blocks()[1].first].inputs[0];
    RunOptions prefix;
    prefix.last = graph.blocks()[1].first;
    at::Tensor middle;
    {
        const NoGradients scope;
        middle = run(graph, parameters, {{graph.input(), x}}, prefix).at(border);
    }
    const std::string name = "blocks.1.attn.qkv.weight";
    const auto loss = [&](const at::Tensor& value, const at::Tensor& weight) {
        const Parameters overrides{{name, weight}};
        RunOptions suffix;
        suffix.first = graph.blocks()[1].first;
        suffix.overrides = &overrides;
        return at::log_softmax(run(graph, parameters, {{border, value}}, suffix).at(graph.output()),
                               -1)
            .select(1, 3)
            .sum();
    };
    const at::Tensor value = leaf(middle), weight = leaf(parameters.at(name));
    const auto grads = gradients(loss(value, weight), {value, weight});
    const NoGradients scope;
    constexpr double h = 1e-5;
    for (const std::int64_t place : {0, 77, 501}) {
        for (const int which : {0, 1}) {
            at::Tensor up = (which ? parameters.at(name) : middle).clone(), down = up.clone();
            up.view(-1)[place] += h;
            down.view(-1)[place] -= h;
            const double slope =
                which ? (loss(middle, up) - loss(middle, down)).item<double>() / (2 * h)
                      : (loss(up, parameters.at(name)) - loss(down, parameters.at(name)))
                                .item<double>() /
                            (2 * h);
            EXPECT_NEAR(grads[static_cast<std::size_t>(which)].view(-1)[place].item<double>(),
                        slope, 1e-7);
        }
    }
}

TEST_F(Executor, GradientOfWhatHasNoPathIsZero) {
    const at::Tensor alone = leaf(at::ones({3})), used = leaf(at::ones({2}));
    const auto grads = gradients(used.sum(), {alone, used});
    EXPECT_TRUE(at::equal(grads[0], at::zeros({3})));
    EXPECT_TRUE(at::equal(grads[1], at::ones({2})));
}

// Every value is dropped after its last use: an intermediate storage is unique when the next node
// runs.
TEST_F(Executor, ValuesAreFreedAfterTheirLastUse) {
    struct Watching : OperandPolicy {
        std::vector<c10::weak_intrusive_ptr<c10::TensorImpl>> inputs;
        std::size_t largest = 0;
        at::Tensor operand(std::size_t, Operand which, const at::Tensor& x) override {
            if (which == Operand::weight || which == Operand::result) return x;
            inputs.emplace_back(x.getIntrusivePtr());
            std::size_t alive = 0;
            for (const auto& input : inputs) alive += input.expired() ? 0 : 1;
            largest = std::max(largest, alive);
            return x;
        }
    } policy;
    const NoGradients scope;
    forward(graph, parameters, image, &policy);
    EXPECT_GE(policy.inputs.size(), 18U);
    EXPECT_LE(policy.largest,
              6U);  // 18 operands and more pass; only neighbours live at the same time
}

}  // namespace
}  // namespace aocq::nn
