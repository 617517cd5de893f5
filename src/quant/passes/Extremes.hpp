// SPDX-License-Identifier: Apache-2.0
// Extremes of channels over some of the calibration images: found image by image once, so that any
// choice of images costs next to nothing.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "quant/kernels/Grid.hpp"
#include "quant/passes/BalanceSites.hpp"

namespace aocq::quant {

// Of every channel, [C] each.
struct Extremes {
    at::Tensor low, high;

    // Of all channels after the balance.
    Range balanced(const Balance& balance) const;
};

class ImageExtremes {
  public:
    // x [images, rows, C]
    explicit ImageExtremes(const at::Tensor& x);
    Extremes of(const std::vector<std::int64_t>& images) const;
    Extremes of_all() const;

  private:
    at::Tensor low_, high_;  // [images, C]
};

}  // namespace aocq::quant
