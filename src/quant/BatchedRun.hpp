// SPDX-License-Identifier: Apache-2.0
// A range of a graph over many images, a few at a time: what is only made on the way stays in the
// cache and is never held for all images.
#pragma once

#include "nn/Executor.hpp"
#include "quant/ValueStore.hpp"

namespace aocq::quant {

// As nn::run, of which every feed holds `images` images, one after another on its leading axis
// (windows of an image too). The tapped values hold all images again, those beyond the limit in a
// temporary file. Some taps must be named.
nn::Values run_in_batches(const nn::Graph& graph, const nn::Parameters& parameters,
                          const nn::Values& feeds, const nn::RunOptions& options,
                          std::int64_t images, const ValueLimit& limit = {});

// The range piece by piece, with every value between two pieces at hand. Parameters and policy may
// change from piece to piece. The same pieces give the same bits, other pieces may not: a value
// that is kept lies in memory otherwise than one that is used up at once.
class PiecewiseRun {
  public:
    // Nodes [first, last); the graph must outlive the run.
    PiecewiseRun(const nn::Graph& graph, std::size_t first, std::size_t last, nn::Values feeds,
                 std::int64_t images, ValueLimit limit = {});

    // Runs on to just before node `stop` (never backwards). Every node runs once.
    void advance(std::size_t stop, const nn::Parameters& parameters, nn::OperandPolicy* policy);

    std::size_t next() const { return next_; }
    std::int64_t images() const { return images_; }
    // A value that node next() or a later one of the range uses; at the end the last node's output.
    const at::Tensor& value(nn::ValueId id) const;

  private:
    const nn::Graph& graph_;
    std::size_t next_, last_;
    nn::Values alive_;
    std::int64_t images_;
    ValueLimit limit_;
};

}  // namespace aocq::quant
