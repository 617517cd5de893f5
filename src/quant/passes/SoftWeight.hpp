// SPDX-License-Identifier: Apache-2.0
// A weight whose rounding is being learned, on the grids that it was fitted with.
#pragma once

#include <ATen/ATen.h>

#include "quant/Quantization.hpp"
#include "quant/passes/SoftRounding.hpp"

namespace aocq::quant {

class SoftWeight {
  public:
    // weight [O, ...] f32; the quantizer is static and uniform.
    SoftWeight(const Site& site, const Quantizer& quantizer, const at::Tensor& weight,
               const SoftOptions& options);

    // The weight as it is now, of the weight's shape.
    at::Tensor value();
    // `gradient` of the loss to the last value().
    void step(const at::Tensor& gradient);
    // On its grid.
    at::Tensor rounded() const;

    const std::string& parameter() const { return parameter_; }
    double undecided() const { return rounding_.undecided(); }

  private:
    struct Start {
        at::Tensor scale, zero;      // [channels, 1]
        at::Tensor lower, position;  // [channels, inner]
        double top;
    };
    static Start start_of(const Site& site, const Quantizer& quantizer, const at::Tensor& weight);
    SoftWeight(Start start, const Site& site, const at::Tensor& weight, const SoftOptions& options);
    at::Tensor to_value(const at::Tensor& codes) const;

    std::string parameter_;
    std::vector<std::int64_t> sizes_;
    at::Tensor scale_, zero_;
    SoftRounding rounding_;
};

}  // namespace aocq::quant
