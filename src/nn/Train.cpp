// SPDX-License-Identifier: Apache-2.0
#include "nn/Train.hpp"

#include <torch/optim/adamw.h>
#include <torch/types.h>

#include <cmath>
#include <numbers>
#include <numeric>

#include "core/Random.hpp"
#include "data/Loader.hpp"
#include "nn/Autograd.hpp"

namespace aocq::nn {
namespace {

at::Tensor to_images(const data::Batch& batch, int size) {
    const auto count = static_cast<std::int64_t>(batch.labels.size());
    return torch::tensor(batch.pixels).view({count, 3, size, size});
}

at::Tensor to_labels(const data::Batch& batch) {
    std::vector<std::int64_t> labels(batch.labels.begin(), batch.labels.end());
    return torch::tensor(labels);
}

double schedule(std::int64_t step, std::int64_t steps, const TrainOptions& options) {
    const double warm = options.warmup * static_cast<double>(steps);
    const auto now = static_cast<double>(step);
    if (now < warm) return options.learning_rate * (now + 1) / warm;
    const double share = (now - warm) / (static_cast<double>(steps) - warm);
    return options.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * share));
}

torch::optim::AdamW make_optimizer(const Parameters& parameters, const TrainOptions& options) {
    std::vector<at::Tensor> matrices, vectors;
    for (const auto& [name, tensor] : parameters) {
        const bool decays = tensor.dim() >= 2 && name.ends_with(".weight");
        (decays ? matrices : vectors).push_back(tensor);
    }
    using torch::optim::AdamWOptions;
    std::vector<torch::optim::OptimizerParamGroup> groups;
    groups.emplace_back(
        matrices, std::make_unique<AdamWOptions>(
                      AdamWOptions(options.learning_rate).weight_decay(options.weight_decay)));
    groups.emplace_back(vectors, std::make_unique<AdamWOptions>(
                                     AdamWOptions(options.learning_rate).weight_decay(0.0)));
    return torch::optim::AdamW(groups, AdamWOptions(options.learning_rate));
}

}  // namespace

Parameters initial_parameters(const Graph& graph, std::uint64_t seed) {
    Parameters parameters;
    for (const auto& spec : graph.parameters()) {
        at::Tensor tensor = at::zeros(spec.shape);
        const bool gain =
            spec.name.find("norm") != std::string::npos && spec.name.ends_with(".weight");
        if (gain) tensor.fill_(1.0);
        if (!gain && !spec.name.ends_with(".bias")) {
            RandomStream stream(RandomKey(seed).child("init").child(spec.name));
            float* values = tensor.mutable_data_ptr<float>();
            for (std::int64_t i = 0; i < tensor.numel(); ++i)
                values[i] = static_cast<float>(0.02 * stream.normal());
        }
        parameters.emplace(spec.name, tensor);
    }
    return parameters;
}

Parameters train(const Graph& graph, const data::Dataset& dataset,
                 const data::Preprocess& preprocess, const TrainOptions& options,
                 const std::function<void(const EpochReport&)>& report) {
    Parameters parameters = initial_parameters(graph, options.seed);
    for (auto& [name, tensor] : parameters) tensor.requires_grad_(true);
    auto optimizer = make_optimizer(parameters, options);
    const auto images = static_cast<std::uint32_t>(dataset.size());
    const std::int64_t per_epoch = (images + options.batch - 1) / options.batch;
    const std::int64_t steps = per_epoch * options.epochs;
    std::int64_t step = 0;
    for (int epoch = 0; epoch < options.epochs; ++epoch) {
        const RandomKey key =
            RandomKey(options.seed).child("epoch").child(static_cast<std::uint64_t>(epoch));
        data::Loader loader(dataset, preprocess, random_permutation(key, images),
                            {.batch = options.batch, .threads = 1, .queue = 4});
        double loss_sum = 0, correct = 0;
        while (const auto batch = loader.next()) {
            for (auto& group : optimizer.param_groups()) {
                static_cast<torch::optim::AdamWOptions&>(group.options())
                    .lr(schedule(step, steps, options));
            }
            const at::Tensor labels = to_labels(*batch);
            const at::Tensor logits =
                forward(graph, parameters, to_images(*batch, preprocess.image_size));
            const at::Tensor loss = at::cross_entropy_loss(logits, labels, {}, at::Reduction::Mean,
                                                           -100, options.label_smoothing);
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();
            loss_sum += loss.item<double>() * static_cast<double>(labels.size(0));
            correct += (logits.argmax(1) == labels).sum().item<double>();
            ++step;
        }
        report({epoch, loss_sum / images, correct / images});
    }
    for (auto& [name, tensor] : parameters) tensor = tensor.detach();
    return parameters;
}

double accuracy(const Graph& graph, const Parameters& parameters, const data::Dataset& dataset,
                const data::Preprocess& preprocess) {
    const NoGradients scope;
    std::vector<std::uint32_t> all(dataset.size());
    std::iota(all.begin(), all.end(), 0U);
    data::Loader loader(dataset, preprocess, std::move(all),
                        {.batch = 64, .threads = 1, .queue = 4});
    double correct = 0;
    while (const auto batch = loader.next()) {
        const at::Tensor logits =
            forward(graph, parameters, to_images(*batch, preprocess.image_size));
        correct += (logits.argmax(1) == to_labels(*batch)).sum().item<double>();
    }
    return correct / static_cast<double>(dataset.size());
}

}  // namespace aocq::nn
