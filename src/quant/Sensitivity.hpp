// SPDX-License-Identifier: Apache-2.0
// How much the loss feels an error at each token of each layer's output: one backward pass of the
// float model per calibration image, with a label drawn from its own prediction (label-free Fisher
// information; METHODS 0.4(C), 0.5). Does not depend on bits and is cached for a whole sweep.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "nn/Executor.hpp"
#include "store/Bundle.hpp"

namespace aocq::quant {

struct NodeSensitivity {
    at::Tensor token_norm;  // [images, rows of an image] f32: |dCE/d(output of the row)|
    at::Tensor squares;     // [O] f64: sum of the squared gradients of each output
    // Gradients of a few rows of every image, drawn in proportion to their squared norm and scaled
    // so that rows^T rows has the expectation sum of g g^T over all rows: [images * drawn, O] f32.
    // Linear layers only.
    at::Tensor rows = {};
};

// By node name: every linear layer and, as "<block>", the output of every block.
struct Sensitivity {
    std::map<std::string, NodeSensitivity> nodes;
    std::int64_t images = 0;
};

class SensitivityMeter {
  public:
    // `draws` labels are drawn per image; their squared norms are averaged.
    SensitivityMeter(const nn::Graph& graph, const nn::Parameters& parameters, std::uint64_t seed,
                     int draws = 1);
    // images [b, 3, S, S] f32; `first` is the position of the first one among all calibration
    // images, which keys the random label.
    void add(const at::Tensor& images, std::int64_t first);
    Sensitivity result() const;

  private:
    const nn::Graph& graph_;
    const nn::Parameters& parameters_;
    std::uint64_t seed_;
    int draws_;
    void keep_rows(const std::string& place, const at::Tensor& gradients, const at::Tensor& norms,
                   std::int64_t first);

    std::vector<std::pair<std::string, nn::ValueId>> places_;
    std::size_t layers_ = 0;  // the first places are linear layers, the others blocks
    std::map<std::string, std::vector<at::Tensor>> norms_;
    std::map<std::string, at::Tensor> squares_;
    std::map<std::string, std::vector<at::Tensor>> rows_;
    std::int64_t images_ = 0;
};

// Chunks in order of their images.
Sensitivity join_chunks(const std::vector<Sensitivity>& chunks);

store::Bundle to_bundle(const Sensitivity& sensitivity, Json attributes);
Sensitivity sensitivity_from_bundle(const store::Bundle& bundle);

enum class TokenSource { gradient, class_token };

struct TokenWeightOptions {
    TokenSource source = TokenSource::gradient;
    double power = 0.5;  // of the gradient's norm; 0: every token counts the same
    double clip = 20.0;  // of the mean
    double floor = 0.05;
};

// By the gradient: norm^power, mean 1, clipped, plus the floor, mean 1 again (METHODS 0.5). By the
// class token, which stands first: as much for it as for all others together. Norms [images, rows
// of an image], the weights have the same shape.
at::Tensor token_weights(const at::Tensor& norms, const TokenWeightOptions& options);

}  // namespace aocq::quant
