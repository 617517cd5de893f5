// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/Segment.hpp"

namespace aocq::quant {

Segment segment_of(const nn::Graph& graph, std::size_t block) {
    const auto& blocks = graph.blocks();
    AOCQ_EXPECT(block < blocks.size());
    const std::size_t last =
        block + 1 < blocks.size() ? blocks[block + 1].first : graph.nodes().size();
    return {block, blocks[block].first, last};
}

namespace {

PiecewiseRun start(const PassContext& context, const nn::Graph& graph, const Segment& segment) {
    const at::Tensor entrance = context.walk->teacher(segment.block);
    return {graph,
            segment.first,
            segment.last,
            nn::Values{{context.walk->entrance(segment.block), entrance}},
            entrance.size(0),
            context.walk->limit()};
}

}  // namespace

TeacherRun::TeacherRun(const PassContext& context, const QuantizedModel& model,
                       const Segment& segment)
    : graph_(nn::edited(context.graph, model.edits)),
      parameters_(teacher_parameters(context.parameters, model)),
      run_(start(context, graph_, segment)) {}

}  // namespace aocq::quant
