// SPDX-License-Identifier: Apache-2.0
// The loss of a layer's output that quantization changed, image by image and group by group, never
// negative: what scale_search minimises.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>
#include <vector>

#include "quant/passes/ScaleSearchOptions.hpp"

namespace aocq::quant {

// Which values of an output [units, rows, columns] share a loss.
struct OutputGroups {
    enum class Kind {
        whole,    // all
        columns,  // each column
        units,    // unit u belongs to group u % count
    };
    Kind kind = Kind::whole;
    std::int64_t count = 1;
};

class OutputLoss {
  public:
    // reference [images, units, rows, columns] f32; gradients of the same shape for the hessian
    // objective. `rank` counts with its weight, for outputs that are attention scores.
    OutputLoss(SearchObjective objective, at::Tensor reference, at::Tensor gradients,
               OutputGroups groups, RankOptions rank = {});

    std::int64_t images() const { return reference_.size(0); }
    std::size_t groups() const { return static_cast<std::size_t>(groups_.count); }
    // output [units, rows, columns] of one image; losses [groups]
    void operator()(std::int64_t image, const at::Tensor& output, std::span<double> losses) const;
    // Sum of output - reference over an image's rows, [columns], added to `sums`.
    void add_shift(std::int64_t image, const at::Tensor& output, std::span<double> sums) const;

  private:
    struct Sums {
        double count = 0, o = 0, oo = 0, d = 0, od = 0, dd = 0;
    };
    std::size_t group_of(std::int64_t unit, std::int64_t column) const;
    // use(group, place) for every unit's every column, in order; place counts them.
    template <class Use>
    void for_each_column(const Use& use) const;
    double loss_of(const Sums& sums) const;
    double ranking(std::int64_t image, const at::Tensor& output, std::int64_t unit) const;

    SearchObjective objective_;
    at::Tensor reference_, gradients_;
    OutputGroups groups_;
    RankOptions rank_;
    std::vector<std::vector<Sums>> of_reference_;  // [images][groups]: count, o and oo
};

}  // namespace aocq::quant
