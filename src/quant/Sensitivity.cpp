// SPDX-License-Identifier: Apache-2.0
#include "quant/Sensitivity.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "core/Fields.hpp"
#include "core/Random.hpp"
#include "nn/Autograd.hpp"

namespace aocq::quant {
namespace {

// One class per image, drawn from the softmax of its logits; keyed by the image, so any rank draws
// the same.
std::vector<std::int64_t> draw_labels(const at::Tensor& logits, std::int64_t first,
                                      const RandomKey& key) {
    const at::Tensor shares =
        at::softmax(logits.detach().to(at::kCPU, at::kDouble), -1).contiguous();
    const std::int64_t classes = shares.size(1);
    std::vector<std::int64_t> labels;
    for (std::int64_t i = 0; i < shares.size(0); ++i) {
        RandomStream stream(key.child(static_cast<std::uint64_t>(first + i)));
        double left = stream.uniform();
        const double* row = shares.const_data_ptr<double>() + i * classes;
        std::int64_t label = 0;
        while (label + 1 < classes && left >= row[label]) left -= row[label++];
        labels.push_back(label);
    }
    return labels;
}

}  // namespace

SensitivityMeter::SensitivityMeter(const nn::Graph& graph, const nn::Parameters& parameters,
                                   std::uint64_t seed, int draws)
    : graph_(graph), parameters_(parameters), seed_(seed), draws_(draws) {
    for (const nn::Node& node : graph.nodes()) {
        if (node.role == nn::Role::linear || node.role == nn::Role::head)
            places_.emplace_back(node.name, node.output);
    }
    for (const nn::Block& block : graph.blocks())
        places_.emplace_back(block.name, graph.nodes()[block.last - 1].output);
}

void SensitivityMeter::add(const at::Tensor& images, std::int64_t first) {
    const at::AutoGradMode gradients_on(true);
    nn::RunOptions options;
    for (const auto& [name, value] : places_) options.taps.push_back(value);
    options.taps.push_back(graph_.output());
    const nn::Values values =
        nn::run(graph_, parameters_, {{graph_.input(), nn::leaf(images)}}, options);
    const at::Tensor shares = at::log_softmax(values.at(graph_.output()), -1);
    std::vector<at::Tensor> wanted;
    for (const auto& [name, value] : places_) wanted.push_back(values.at(value));

    std::vector<at::Tensor> squared(places_.size());
    for (int draw = 0; draw < draws_; ++draw) {
        const RandomKey key =
            RandomKey(seed_).child("sensitivity").child(static_cast<std::uint64_t>(draw));
        const auto labels = draw_labels(shares, first, key);
        const at::Tensor index =
            at::tensor(at::ArrayRef<std::int64_t>(labels.data(), labels.size()))
                .to(shares.device())
                .unsqueeze(1);
        const at::Tensor loss = -shares.gather(1, index).sum();
        const auto found = torch::autograd::grad({loss}, wanted, {}, /*retain_graph=*/true);
        for (std::size_t i = 0; i < places_.size(); ++i) {
            const at::Tensor g = found[i].detach();
            const at::Tensor rows = g.reshape({images.size(0), -1, g.size(-1)});
            const at::Tensor square = rows.square();
            const at::Tensor norm = square.sum(-1) / draws_;
            squared[i] = squared[i].defined() ? squared[i] + norm : norm;
            const at::Tensor sum = square.sum({0, 1}, false, at::kDouble) / draws_;
            auto& total = squares_[places_[i].first];
            total = total.defined() ? total + sum.to(at::kCPU) : sum.to(at::kCPU);
        }
    }
    for (std::size_t i = 0; i < places_.size(); ++i)
        norms_[places_[i].first].push_back(squared[i].sqrt().to(at::kCPU));
    images_ += images.size(0);
}

Sensitivity SensitivityMeter::result() const {
    Sensitivity all;
    all.images = images_;
    for (const auto& [name, parts] : norms_)
        all.nodes[name] = {at::cat(parts, 0).contiguous(), squares_.at(name)};
    return all;
}

Sensitivity join_chunks(const std::vector<Sensitivity>& chunks) {
    AOCQ_EXPECT(!chunks.empty());
    Sensitivity all = chunks.front();
    for (std::size_t i = 1; i < chunks.size(); ++i) {
        AOCQ_EXPECT(chunks[i].nodes.size() == all.nodes.size());
        all.images += chunks[i].images;
        for (auto& [name, node] : all.nodes) {
            const NodeSensitivity& next = chunks[i].nodes.at(name);
            node.token_norm = at::cat({node.token_norm, next.token_norm}, 0);
            node.squares = node.squares + next.squares;
        }
    }
    return all;
}

store::Bundle to_bundle(const Sensitivity& sensitivity, Json attributes) {
    attributes["images"] = sensitivity.images;
    store::Bundle bundle{"sensitivity", std::move(attributes), {}};
    for (const auto& [name, node] : sensitivity.nodes) {
        const at::Tensor norm = node.token_norm.contiguous(), squares = node.squares.contiguous();
        const float* f = norm.const_data_ptr<float>();
        const double* d = squares.const_data_ptr<double>();
        bundle.arrays.push_back({name + "/token_norm",
                                 {norm.sizes().begin(), norm.sizes().end()},
                                 std::vector<float>(f, f + norm.numel())});
        bundle.arrays.push_back({name + "/squares",
                                 {squares.sizes().begin(), squares.sizes().end()},
                                 std::vector<double>(d, d + squares.numel())});
    }
    return bundle;
}

Sensitivity sensitivity_from_bundle(const store::Bundle& bundle) {
    Sensitivity all;
    Fields fields(bundle.attributes, "");
    all.images = fields.integer("images", 1, std::int64_t{1} << 32);
    constexpr std::string_view suffix = "/token_norm";
    for (const auto& array : bundle.arrays) {
        if (!array.name.ends_with(suffix)) continue;
        const std::string name = array.name.substr(0, array.name.size() - suffix.size());
        const auto& norm = bundle.values<float>(array.name);
        const auto& squares = bundle.values<double>(name + "/squares");
        if (array.shape.size() != 2 || array.shape[0] != static_cast<std::uint64_t>(all.images)) {
            throw Error::input("damaged sensitivity file")
                .because("an array does not have one row per image")
                .at("array", array.name);
        }
        all.nodes[name] = {
            at::tensor(at::ArrayRef<float>(norm.data(), norm.size())).view({all.images, -1}),
            at::tensor(at::ArrayRef<double>(squares.data(), squares.size()), at::kDouble)};
    }
    return all;
}

at::Tensor token_weights(const at::Tensor& norms, const TokenWeightOptions& options) {
    if (options.power == 0.0) return at::ones_like(norms);
    const at::Tensor raised = norms.to(at::kDouble).pow(options.power);
    const at::Tensor mean = raised.mean();
    // Without any gradient all tokens are equal.
    if (!(mean.item<double>() > 0)) return at::ones_like(norms);
    const at::Tensor clipped = (raised / mean).clamp_max(options.clip) + options.floor;
    return (clipped / clipped.mean()).to(at::kFloat);
}

}  // namespace aocq::quant
