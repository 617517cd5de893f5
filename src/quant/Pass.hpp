// SPDX-License-Identifier: Apache-2.0
// A pass changes the quantization of a model (DESIGN §3.5). It sees the float teacher, the
// statistics and, if it asks, calibration images; it says what its objective was before and after,
// site by site.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/Fields.hpp"
#include "nn/Model.hpp"
#include "quant/Quantization.hpp"
#include "store/Statistics.hpp"

namespace aocq::quant {

struct PassContext {
    const nn::Graph& graph;
    const nn::Parameters& parameters;  // the float teacher's
    const std::vector<Site>& sites;
    const store::StatisticsFile& statistics;
    // Calibration images in order, as batches [b, 3, S, S]; null where the recipe needs none.
    std::function<void(const std::function<void(const at::Tensor&)>&)> for_each_batch;
    std::string scope;  // a block's or a linear node's name; "" for the whole model
    std::uint64_t seed = 0;
};

// True where the site belongs to the scope.
bool in_scope(const PassContext& context, const Site& site);

class Pass {
  public:
    virtual ~Pass() = default;
    // Every parameter with its value, defaults included: part of the stage's key.
    virtual Json parameters() const = 0;
    // Changes `model`; returns {"site": {"before": x, "after": y}} or other figures of the same
    // kind.
    virtual Json apply(const PassContext& context, QuantizedModel& model) const = 0;
};

}  // namespace aocq::quant
