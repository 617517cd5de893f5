// SPDX-License-Identifier: Apache-2.0
#include "quant/BatchedRun.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "core/Error.hpp"

namespace aocq::quant {
namespace {

constexpr std::int64_t images_at_a_time = 8;

}  // namespace

nn::Values run_in_batches(const nn::Graph& graph, const nn::Parameters& parameters,
                          const nn::Values& feeds, const nn::RunOptions& options,
                          std::int64_t images, const ValueLimit& limit) {
    AOCQ_EXPECT(images > 0 && !options.taps.empty());
    nn::Values all;
    for (std::int64_t first = 0; first < images; first += images_at_a_time) {
        const std::int64_t last = std::min(first + images_at_a_time, images);
        nn::Values part;
        for (const auto& [id, value] : feeds) {
            AOCQ_EXPECT(value.size(0) % images == 0);
            const std::int64_t rows = value.size(0) / images;
            part[id] = value.slice(0, first * rows, last * rows);
        }
        for (const auto& [id, value] : nn::run(graph, parameters, part, options)) {
            at::Tensor& whole = all[id];
            const std::int64_t rows = value.size(0) / (last - first);
            if (!whole.defined()) {
                std::vector<std::int64_t> sizes = value.sizes().vec();
                sizes[0] = rows * images;
                whole = room_for(sizes, value.options(), limit);
            }
            whole.slice(0, first * rows, last * rows).copy_(value);
        }
    }
    return all;
}

PiecewiseRun::PiecewiseRun(const nn::Graph& graph, std::size_t first, std::size_t last,
                           nn::Values feeds, std::int64_t images, ValueLimit limit)
    : graph_(graph),
      next_(first),
      last_(last),
      alive_(std::move(feeds)),
      images_(images),
      limit_(std::move(limit)) {}

void PiecewiseRun::advance(std::size_t stop, const nn::Parameters& parameters,
                           nn::OperandPolicy* policy) {
    AOCQ_EXPECT(stop >= next_ && stop <= last_);
    if (stop == next_) return;
    std::set<nn::ValueId> needed, made;
    for (std::size_t i = next_; i < stop; ++i) made.insert(graph_.nodes()[i].output);
    nn::Values kept;
    nn::RunOptions options;
    options.first = next_;
    options.last = stop;
    options.policy = policy;
    for (std::size_t i = stop; i < last_; ++i) {
        for (const nn::ValueId input : graph_.nodes()[i].inputs) {
            if (!needed.insert(input).second) continue;
            if (made.contains(input)) options.taps.push_back(input);
            if (const auto found = alive_.find(input); found != alive_.end()) kept.insert(*found);
        }
    }
    if (stop == last_) options.taps = {graph_.nodes()[stop - 1].output};
    const nn::Values ran = run_in_batches(graph_, parameters, alive_, options, images_, limit_);
    alive_ = std::move(kept);
    alive_.insert(ran.begin(), ran.end());
    next_ = stop;
}

const at::Tensor& PiecewiseRun::value(nn::ValueId id) const {
    const auto found = alive_.find(id);
    AOCQ_EXPECT(found != alive_.end());
    return found->second;
}

}  // namespace aocq::quant
