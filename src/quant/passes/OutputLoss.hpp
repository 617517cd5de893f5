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
    // In how many portions the images are looked at: one by one on the CPU, where a search leaves a
    // candidate as soon as it cannot win; all at once on another device, where a call costs more
    // than what it computes.
    std::int64_t portions() const { return reference_.is_cpu() ? images() : 1; }
    // x [images * n, ...] -> the portion's [images of a portion * n, ...]
    at::Tensor of_portion(const at::Tensor& x, std::int64_t portion) const;

    // output [images of a portion, units, rows, columns]; losses [groups], summed over the images
    void operator()(std::int64_t portion, const at::Tensor& output, std::span<double> losses) const;
    // Sum of output - reference over the portion's rows, [columns], added to `sums`.
    void add_shift(std::int64_t portion, const at::Tensor& output, std::span<double> sums) const;

  private:
    struct Sums {
        double count = 0, o = 0, oo = 0, d = 0, od = 0, dd = 0;
    };
    std::size_t group_of(std::int64_t unit, std::int64_t column) const;
    // use(group, place) for every unit's every column of an image, in order; place counts them.
    template <class Use>
    void for_each_column(const Use& use) const;
    double loss_of(const Sums& sums) const;
    void add_ranking(const at::Tensor& reference, const at::Tensor& output,
                     std::span<double> losses) const;

    SearchObjective objective_;
    at::Tensor reference_, gradients_;
    OutputGroups groups_;
    RankOptions rank_;
    std::vector<std::vector<Sums>> of_reference_;  // [images][groups]: count, o and oo
};

}  // namespace aocq::quant
