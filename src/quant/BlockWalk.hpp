// SPDX-License-Identifier: Apache-2.0
// The calibration images at the entrance of a block: as the float model brings them there and as
// the quantized prefix does. Moves forward block by block, so a sequential method costs one pass
// over the model, and keeps one value per side, so memory does not grow with depth.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>

#include "nn/Executor.hpp"
#include "quant/Quantization.hpp"
#include "quant/ValueStore.hpp"

namespace aocq::quant {

// Calls its argument with every batch of calibration images, in order: [b, 3, S, S] f32.
using Batches = std::function<void(const std::function<void(const at::Tensor&)>&)>;

class BlockWalk {
  public:
    // The references must outlive the walk.
    BlockWalk(const nn::Graph& graph, const nn::Parameters& parameters, Batches batches,
              ValueLimit limit = {});

    // [images, ...] f32, the float value that enters the block. Rewrites inside blocks do not
    // change it.
    const at::Tensor& teacher(std::size_t block);
    // The same behind the quantized prefix: every quantizer of the nodes before must be fitted.
    // What `model` says of earlier blocks must not change between calls.
    const at::Tensor& student(std::size_t block, const QuantizedModel& model);

    // The value behind a block, where a pass ran the block on teacher(block) or student(block)
    // anyway: the walk takes it over and need not run the block again, unless that block's
    // entrance is asked for once more.
    void teacher_left(std::size_t block, const at::Tensor& value);
    void student_left(std::size_t block, const at::Tensor& value);

    // To be called before another model's student: what passes left behind counts no longer.
    void forget_student() { student_ = {}; }
    // The same for the teacher's side: it stays where it is, but as if the walk had gone there
    // alone.
    void forget_left() { teacher_.next.reset(); }

    const ValueLimit& limit() const { return limit_; }

    // The images themselves, for passes that look at a whole model at once.
    const Batches& batches() const { return batches_; }

    // The one value from outside that the block's nodes use.
    nn::ValueId entrance(std::size_t block) const;
    std::int64_t images() const { return images_; }

  private:
    struct Cursor {
        std::size_t block = 0;
        at::Tensor value;
        at::Tensor next;  // behind the block, if it was left there
    };
    void left(Cursor& cursor, std::size_t block, const at::Tensor& value);
    void advance(Cursor& cursor, std::size_t block, const QuantizedModel* model);
    at::Tensor images_at_first_block(const QuantizedModel* model);
    at::Tensor teacher_behind(const Cursor& cursor) const;
    at::Tensor student_behind(const Cursor& cursor, const QuantizedModel& model) const;

    const nn::Graph& graph_;
    const nn::Parameters& parameters_;
    Batches batches_;
    ValueLimit limit_;
    std::int64_t images_ = 0;
    Cursor teacher_, student_;
};

}  // namespace aocq::quant
