// SPDX-License-Identifier: Apache-2.0
// A whole quantized model that learns to answer as its float teacher does.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/Random.hpp"
#include "quant/Pass.hpp"
#include "quant/SitePolicy.hpp"
#include "quant/passes/LearningPolicy.hpp"

namespace aocq::quant {

struct StudentOptions {
    int iterations = 40;
    std::int64_t batch = 4;
    double rate = 1e-5;       // of weights and biases
    double step_rate = 1e-3;  // of the logarithm of activation steps
};

class StudentTuning {
  public:
    // Weights learn on the grids that they were fitted with, by straight-through gradients;
    // activations that are static and uniform by LSQ. The context must outlive it.
    StudentTuning(const StudentOptions& options, const PassContext& context,
                  const QuantizedModel& model);

    // What the float function runs with, equivalent rewrites included.
    const nn::Graph& graph() const { return graph_; }
    const nn::Parameters& teacher() const { return teacher_; }

    // Mean absolute difference of the student's logits from `expected` [b, classes], of each image:
    // [b]; differentiable in the images.
    at::Tensor distance(const at::Tensor& images, const at::Tensor& expected) const;
    // The same with the teacher's logits, mean over all calibration images.
    double distance_on(const Batches& batches) const;

    // Learns on images [n, 3, S, S]; `key` draws the batches.
    void learn(const at::Tensor& images, const RandomKey& key,
               const std::function<void()>& may_stop);
    // A copy of what has been learned so far, into the model.
    void take_over(QuantizedModel& model) const;

  private:
    const StudentOptions& options_;
    const PassContext& context_;
    nn::Graph graph_;
    nn::Parameters teacher_, student_;
    SitePolicy fixed_;
    Steps steps_;
    std::vector<std::string> learned_;  // parameters that are leaves
};

}  // namespace aocq::quant
