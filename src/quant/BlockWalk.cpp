// SPDX-License-Identifier: Apache-2.0
#include "quant/BlockWalk.hpp"

#include <algorithm>
#include <memory>
#include <set>

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
        batch_ = std::max(batch_, images.size(0));
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
    if (!cursor.value.defined() || cursor.block > block) cursor = {0, images_at_first_block(model)};
    for (; cursor.block < block; ++cursor.block) {
        const nn::Block& range = graph_.blocks()[cursor.block];
        nn::RunOptions options;
        options.first = range.first;
        // What lies between two blocks (a patch merging, say) belongs to the way.
        options.last = graph_.blocks()[cursor.block + 1].first;
        options.taps = {entrance(cursor.block + 1)};
        std::unique_ptr<Simulation> simulation;
        if (model) {
            simulation = std::make_unique<Simulation>(
                graph_, parameters_, *model,
                SimulateOptions{.first = options.first, .last = options.last});
            options.policy = simulation.get();
        }
        ValueStore values(limit_);
        for (std::int64_t i = 0; i < images_; i += batch_) {
            const at::Tensor part = cursor.value.slice(0, i, std::min(i + batch_, images_));
            values.append(nn::run(simulation ? simulation->graph() : graph_,
                                  simulation ? simulation->parameters() : parameters_,
                                  {{entrance(cursor.block), part}}, options)
                              .at(options.taps.front()));
        }
        cursor.value = values.take();
    }
}

}  // namespace aocq::quant
