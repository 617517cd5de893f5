// SPDX-License-Identifier: Apache-2.0
// Learns the rounding of a unit's weights and the steps of its activations by the error of its
// output (METHODS 4.1-4.3). Mini-batches, mixed inputs and drop masks are keyed by seed, unit and
// iteration, so any rank learns the same.
#pragma once

#include <optional>
#include <vector>

#include "quant/passes/LearningPolicy.hpp"
#include "quant/passes/ReconstructionOptions.hpp"
#include "quant/passes/ReconstructionUnit.hpp"
#include "quant/passes/SoftWeight.hpp"

namespace aocq::quant {

class Reconstruction {
  public:
    // The references must outlive the object.
    Reconstruction(const ReconstructionOptions& options, const PassContext& context,
                   QuantizedModel& model, const ReconstructionUnit& unit);

    // Leaves the unit's weights on their grids in the model. Where the error over all images does
    // not fall, nearest codes and the steps of before stay. Returns the report's entry.
    Json run();

  private:
    // One stretch of iterations: what is learned, and how.
    struct Phase {
        std::string name;
        std::optional<SoftOptions> weights;
        std::optional<double> step_rate;
        int iterations = 0;
        double drop = 0, teacher_share = 0, power = 2;
    };
    // What a phase learns.
    struct Learned {
        SitePolicy fixed;
        Steps steps;
        std::vector<SoftWeight> weights;
    };

    void put_nearest();
    std::vector<Phase> phases() const;
    void learn(const Phase& phase);
    Learned start(const Phase& phase) const;
    std::vector<at::Tensor> iterate(const Phase& phase, int iteration, double size,
                                    Learned& learned) const;
    void take_over(const Learned& learned);
    // Mean over all images with weights on their grids; `drop` of 1 leaves activations float.
    double error(double power, double drop) const;
    double teacher_share() const;

    const ReconstructionOptions& options_;
    const PassContext& context_;
    QuantizedModel& model_;
    const ReconstructionUnit& unit_;
    std::vector<std::int64_t> images_;
    nn::Parameters on_grid_;  // the unit's weights
};

}  // namespace aocq::quant
