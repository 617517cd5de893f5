// SPDX-License-Identifier: Apache-2.0
// Trains a small ViT from scratch on a dataset: how the embedded study's checkpoint is made. AdamW,
// cosine schedule with warm-up, label smoothing; all random numbers from one seed.
#pragma once

#include <cstdint>
#include <functional>

#include "data/Dataset.hpp"
#include "data/Preprocess.hpp"
#include "nn/Executor.hpp"
#include "nn/Vit.hpp"

namespace aocq::nn {

struct TrainOptions {
    std::uint64_t seed = 1;
    int epochs = 10;
    int batch = 64;
    double learning_rate = 1e-3;  // peak
    double weight_decay = 0.05;   // of matrices only
    double label_smoothing = 0.1;
    double warmup = 0.1;  // share of all steps
};

struct EpochReport {
    int epoch;
    double loss;
    double accuracy;  // on the training images, while they are learnt
};

// Truncated-normal-like weights (std 0.02), zero biases, unit gains.
Parameters initial_parameters(const Graph& graph, std::uint64_t seed);

Parameters train(const Graph& graph, const data::Dataset& dataset,
                 const data::Preprocess& preprocess, const TrainOptions& options,
                 const std::function<void(const EpochReport&)>& report);

// Share of images whose largest logit is the label.
double accuracy(const Graph& graph, const Parameters& parameters, const data::Dataset& dataset,
                const data::Preprocess& preprocess);

}  // namespace aocq::nn
