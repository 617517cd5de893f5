// SPDX-License-Identifier: Apache-2.0
// A pass changes the quantization of a model (DESIGN §3.5). It sees the float teacher, the
// statistics and, if it asks, calibration images and sensitivities; it says what its objective was
// before and after, site by site.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/Fields.hpp"
#include "nn/Model.hpp"
#include "quant/BlockWalk.hpp"
#include "quant/Quantization.hpp"
#include "quant/Sensitivity.hpp"
#include "store/Statistics.hpp"

namespace aocq::quant {

struct PassContext {
    const nn::Graph& graph;            // as the family's builder made it
    const nn::Parameters& parameters;  // the float model's
    const std::vector<Site>& sites;
    const store::StatisticsFile& statistics;
    BlockWalk* walk = nullptr;                 // where the stage needs images
    const Sensitivity* sensitivity = nullptr;  // where it needs them
    std::string scope = {};                    // a block's or a linear node's name; "": everything
    std::uint64_t seed = 0;
    std::function<void()> may_stop = [] {};  // to be called now and then; throws to leave off
};

// True where the site belongs to the scope.
bool in_scope(const PassContext& context, const Site& site);
// The blocks of the scope, as indices: all, or the one it names.
std::vector<std::size_t> blocks_in_scope(const PassContext& context);
// Where the model lies, and with it every value of its nodes.
at::Device device_of(const PassContext& context);
// The value that the student runs with (before its weights are put on their grids), on that device.
at::Tensor find_parameter(const PassContext& context, const QuantizedModel& model,
                          const std::string& name);
const Site& find_site(const PassContext& context, std::size_t node, nn::Operand operand);

// What a pass asks for beyond statistics.
struct Needs {
    bool images = false;
    bool sensitivity = false;
};

// Whether a level of a method is on. In its neutral form a pass does what a fair comparison needs
// and none of its own idea (DESIGN §3.6).
enum class Form { active, neutral };

class Pass {
  public:
    virtual ~Pass() = default;
    // Every parameter with its value, defaults included: part of the stage's key.
    virtual Json parameters() const = 0;
    virtual Needs needs() const { return {}; }
    // Whether its work on one block reads nothing of its work on others, so that several ranks may
    // do blocks at the same time (JoinParts.hpp).
    virtual bool has_independent_blocks() const { return false; }
    // Changes `model`; returns {"site": {"before": x, "after": y}} or other figures of the same
    // kind.
    virtual Json apply(const PassContext& context, QuantizedModel& model) const = 0;
};

}  // namespace aocq::quant
