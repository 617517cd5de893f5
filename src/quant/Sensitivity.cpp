// SPDX-License-Identifier: Apache-2.0
#include "quant/Sensitivity.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>

#include "core/Fields.hpp"
#include "nn/Autograd.hpp"
#include "quant/SampledLabels.hpp"
#include "quant/kernels/Squares.hpp"

namespace aocq::quant {
namespace {

// Rows of an image whose gradients are kept whole: together a few hundred say enough of an output
// factor that is shrunk anyway, and stay small beside the weights.
constexpr std::int64_t rows_kept = 4;

// Of x [images, N, O] on the CPU: over O [images, N] and over images and N [O], f64.
std::pair<at::Tensor, at::Tensor> squares_of(const at::Tensor& x) {
    at::Tensor rows = at::empty({x.size(0), x.size(1)}, at::kDouble);
    at::Tensor columns = at::zeros({x.size(2)}, at::kDouble);
    const auto span_of = [](at::Tensor& t) {
        return std::span(t.mutable_data_ptr<double>(), static_cast<std::size_t>(t.numel()));
    };
    sum_squares({x.const_data_ptr<float>(), static_cast<std::size_t>(x.numel())}, span_of(rows),
                span_of(columns));
    return {rows, columns};
}

}  // namespace

SensitivityMeter::SensitivityMeter(const nn::Graph& graph, const nn::Parameters& parameters,
                                   std::uint64_t seed, int draws)
    : graph_(graph), parameters_(parameters), seed_(seed), draws_(draws) {
    for (const nn::Node& node : graph.nodes()) {
        if (node.role == nn::Role::linear || node.role == nn::Role::head)
            places_.emplace_back(node.name, node.output);
    }
    layers_ = places_.size();
    for (const nn::Block& block : graph.blocks())
        places_.emplace_back(block.name, graph.nodes()[block.last - 1].output);
}

// gradients [images, N, O], squared norms [images, N]. Systematic sampling: one random offset, then
// equal strides of the cumulated squared norms.
void SensitivityMeter::keep_rows(const std::string& place, const at::Tensor& gradients,
                                 const at::Tensor& norms, std::int64_t first) {
    const std::int64_t images = norms.size(0), rows = norms.size(1);
    const RandomKey key = RandomKey(seed_).child("sensitivity rows").child(place);
    std::vector<at::Tensor> kept;
    for (std::int64_t i = 0; i < images; ++i) {
        const double* norm = norms.const_data_ptr<double>() + i * rows;
        const double total = norms[i].sum().item<double>();
        RandomStream stream(key.child(static_cast<std::uint64_t>(first + i)));
        const double stride = total / static_cast<double>(rows_kept);
        double wanted = stream.uniform() * stride, passed = 0;
        std::int64_t row = 0;
        for (std::int64_t k = 0; k < rows_kept; ++k, wanted += stride) {
            while (row + 1 < rows && passed + norm[row] <= wanted) passed += norm[row++];
            const double scale = norm[row] > 0 ? std::sqrt(stride / norm[row]) : 0.0;
            kept.push_back(gradients[i][row] * scale);
        }
    }
    rows_[place].push_back(at::stack(kept));
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
        const at::Tensor loss = label_losses(shares, draw_labels(shares, first, key)).sum();
        const auto found =
            torch::autograd::grad({loss}, wanted, {}, /*retain_graph=*/draw + 1 < draws_);
        for (std::size_t i = 0; i < places_.size(); ++i) {
            const at::Tensor g = found[i].detach();
            const at::Tensor rows =
                g.reshape({images.size(0), -1, g.size(-1)}).to(at::kCPU).contiguous();
            const auto [of_rows, of_columns] = squares_of(rows);
            if (draw == 0 && i < layers_) keep_rows(places_[i].first, rows, of_rows, first);
            const at::Tensor norm = of_rows / draws_, sum = of_columns / draws_;
            squared[i] = squared[i].defined() ? squared[i] + norm : norm;
            auto& total = squares_[places_[i].first];
            total = total.defined() ? total + sum : sum;
        }
    }
    for (std::size_t i = 0; i < places_.size(); ++i)
        norms_[places_[i].first].push_back(squared[i].sqrt().to(at::kFloat));
    images_ += images.size(0);
}

Sensitivity SensitivityMeter::result() const {
    Sensitivity all;
    all.images = images_;
    for (const auto& [name, parts] : norms_)
        all.nodes[name] = {at::cat(parts, 0).contiguous(), squares_.at(name)};
    for (const auto& [name, parts] : rows_)
        all.nodes.at(name).rows = at::cat(parts, 0).contiguous();
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
            AOCQ_EXPECT(node.rows.defined() == next.rows.defined());
            if (node.rows.defined()) node.rows = at::cat({node.rows, next.rows}, 0);
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
        if (!node.rows.defined()) continue;
        const at::Tensor rows = node.rows.contiguous();
        const float* r = rows.const_data_ptr<float>();
        bundle.arrays.push_back({name + "/rows",
                                 {rows.sizes().begin(), rows.sizes().end()},
                                 std::vector<float>(r, r + rows.numel())});
    }
    return bundle;
}

namespace {

// Undefined where the place has none.
at::Tensor rows_of(const store::Bundle& bundle, const std::string& name, std::size_t outputs) {
    for (const auto& array : bundle.arrays) {
        if (array.name != name + "/rows") continue;
        if (array.shape.size() != 2 || array.shape[1] != outputs) {
            throw Error::input("damaged sensitivity file")
                .because("kept rows do not have one value per output")
                .at("array", array.name);
        }
        const auto& values = bundle.values<float>(array.name);
        return at::tensor(at::ArrayRef<float>(values.data(), values.size()))
            .view({-1, static_cast<std::int64_t>(outputs)});
    }
    return {};
}

}  // namespace

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
        all.nodes[name].rows = rows_of(bundle, name, squares.size());
    }
    return all;
}

at::Tensor token_weights(const at::Tensor& norms, const TokenWeightOptions& options) {
    if (options.source == TokenSource::class_token) {
        const double rows = static_cast<double>(norms.size(-1));
        if (rows < 2) return at::ones_like(norms);
        at::Tensor weights = at::full_like(norms, rows / 2 / (rows - 1));
        weights.select(-1, 0).fill_(rows / 2);
        return weights;
    }
    if (options.power == 0.0) return at::ones_like(norms);
    const at::Tensor raised = norms.to(at::kDouble).pow(options.power);
    const at::Tensor mean = raised.mean();
    // Without any gradient all tokens are equal.
    if (!(mean.item<double>() > 0)) return at::ones_like(norms);
    const at::Tensor clipped = (raised / mean).clamp_max(options.clip) + options.floor;
    return (clipped / clipped.mean()).to(at::kFloat);
}

}  // namespace aocq::quant
