// SPDX-License-Identifier: Apache-2.0
#include "quant/BlockWalk.hpp"

#include <algorithm>
#include <memory>
#include <set>

#include "quant/BatchedRun.hpp"
#include "quant/Simulate.hpp"

namespace aocq::quant {

BlockWalk::BlockWalk(const nn::Graph& graph, const nn::Parameters& parameters, Batches batches,
                     ValueLimit limit)
    : graph_(graph),
      parameters_(parameters),
      batches_(std::move(batches)),
      limit_(std::move(limit)) {
    AOCQ_EXPECT(!graph_.blocks().empty());
}

nn::ValueId BlockWalk::entrance(std::size_t block) const {
    const nn::Block& range = graph_.blocks()[block];
    std::set<nn::ValueId> inside, outside;
    for (std::size_t i = range.first; i < range.last; ++i) {
        for (const nn::ValueId input : graph_.nodes()[i].inputs) {
            if (!inside.contains(input)) outside.insert(input);
        }
        inside.insert(graph_.nodes()[i].output);
    }
    AOCQ_EXPECT(outside.size() == 1);
    return *outside.begin();
}

const at::Tensor& BlockWalk::teacher(std::size_t block) {
    advance(teacher_, block, nullptr);
    return teacher_.value;
}

const at::Tensor& BlockWalk::student(std::size_t block, const QuantizedModel& model) {
    advance(student_, block, &model);
    return student_.value;
}

void BlockWalk::teacher_left(std::size_t block, const at::Tensor& value) {
    left(teacher_, block, value);
}

void BlockWalk::student_left(std::size_t block, const at::Tensor& value) {
    left(student_, block, value);
}

void BlockWalk::left(Cursor& cursor, std::size_t block, const at::Tensor& value) {
    const auto& blocks = graph_.blocks();
    if (block + 1 == blocks.size() || !cursor.value.defined() || cursor.block != block) return;
    // Something lies between the blocks, or the next one wants another value.
    if (blocks[block + 1].first != blocks[block].last) return;
    if (entrance(block + 1) != graph_.nodes()[blocks[block].last - 1].output) return;
    AOCQ_EXPECT(value.size(0) == images_);
    cursor.next = value;
}

at::Tensor BlockWalk::images_at_first_block(const QuantizedModel* model) {
    nn::RunOptions options;
    options.last = graph_.blocks().front().first;
    options.taps = {entrance(0)};
    std::unique_ptr<Simulation> simulation;
    if (model) {
        simulation = std::make_unique<Simulation>(
            graph_, parameters_, *model, SimulateOptions{.first = 0, .last = options.last});
        options.policy = simulation.get();
    }
    ValueStore values(limit_);
    batches_([&](const at::Tensor& images) {
        values.append(nn::run(simulation ? simulation->graph() : graph_,
                              simulation ? simulation->parameters() : parameters_,
                              {{graph_.input(), images}}, options)
                          .at(options.taps.front()));
    });
    at::Tensor all = values.take();
    images_ = all.size(0);
    return all;
}

void BlockWalk::advance(Cursor& cursor, std::size_t block, const QuantizedModel* model) {
    AOCQ_EXPECT(block < graph_.blocks().size());
    if (!cursor.value.defined() || cursor.block > block)
        cursor = {0, images_at_first_block(model), {}};
    // What was left behind holds no longer when somebody works on the block again.
    if (cursor.block < block && cursor.next.defined()) cursor = {cursor.block + 1, cursor.next, {}};
    cursor.next.reset();
    for (; cursor.block < block; ++cursor.block)
        cursor.value = model ? student_behind(cursor, *model) : teacher_behind(cursor);
}

// What lies between two blocks (a patch merging, say) belongs to the way.
at::Tensor BlockWalk::teacher_behind(const Cursor& cursor) const {
    nn::RunOptions options;
    options.first = graph_.blocks()[cursor.block].first;
    options.last = graph_.blocks()[cursor.block + 1].first;
    options.taps = {entrance(cursor.block + 1)};
    return run_in_batches(graph_, parameters_, {{entrance(cursor.block), cursor.value}}, options,
                          images_, limit_)
        .at(options.taps.front());
}

// In pieces from one linear layer to the next, as a pass on the block's weights runs it: whoever
// ran the block, the bits are the same.
at::Tensor BlockWalk::student_behind(const Cursor& cursor, const QuantizedModel& model) const {
    const nn::Block& range = graph_.blocks()[cursor.block];
    const std::size_t end = graph_.blocks()[cursor.block + 1].first;
    Simulation simulation(graph_, parameters_, model,
                          SimulateOptions{.first = range.first, .last = end});
    PiecewiseRun run(simulation.graph(), range.first, end, {{entrance(cursor.block), cursor.value}},
                     images_, limit_);
    for (std::size_t node = range.first; node < range.last; ++node) {
        if (graph_.nodes()[node].role == nn::Role::linear)
            run.advance(node, simulation.parameters(), &simulation);
    }
    run.advance(end, simulation.parameters(), &simulation);
    return run.value(entrance(cursor.block + 1));
}

}  // namespace aocq::quant
