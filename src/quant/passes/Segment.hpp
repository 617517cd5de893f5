// SPDX-License-Identifier: Apache-2.0
// A block together with what follows it up to the next one (a patch merging, the head): the nodes
// that a pass on every linear layer and matmul works through. Only what stands before the first
// block, the patch embedding, belongs to no segment.
#pragma once

#include "quant/BatchedRun.hpp"
#include "quant/Pass.hpp"

namespace aocq::quant {

struct Segment {
    std::size_t block = 0;            // index
    std::size_t first = 0, last = 0;  // nodes [first, last)
};
Segment segment_of(const nn::Graph& graph, std::size_t block);

// The float teacher (with equivalent rewrites) on all calibration images, node by node. The
// references must outlive the run.
class TeacherRun {
  public:
    TeacherRun(const PassContext& context, const QuantizedModel& model, const Segment& segment);

    // Runs on to just before `node`; then its inputs are at hand: [images * n, ...] f32.
    void advance(std::size_t node) { run_.advance(node, parameters_, nullptr); }
    const at::Tensor& value(nn::ValueId id) const { return run_.value(id); }

    const nn::Graph& graph() const { return graph_; }
    const nn::Parameters& parameters() const { return parameters_; }
    std::int64_t images() const { return run_.images(); }

  private:
    nn::Graph graph_;
    nn::Parameters parameters_;
    PiecewiseRun run_;
};

}  // namespace aocq::quant
