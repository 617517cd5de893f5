// SPDX-License-Identifier: Apache-2.0
// What block_reconstruction may be told.
#pragma once

#include <cstdint>
#include <optional>

#include "core/EnumTable.hpp"
#include "quant/passes/Schedule.hpp"
#include "quant/passes/SoftRounding.hpp"
#include "quant/passes/StepOptions.hpp"

namespace aocq::quant {

enum class UnitForm { block, layer };
inline constexpr EnumTable<UnitForm, 2> unit_forms{
    {{{UnitForm::block, "block"}, {UnitForm::layer, "layer"}}}};

enum class WeightForm { learned, kept };
inline constexpr EnumTable<WeightForm, 2> weight_forms{
    {{{WeightForm::learned, "learned"}, {WeightForm::kept, "kept"}}}};

// How activation quantizers are learned, if at all.
enum class StepChoice { kept, lsq, pact, dsq };
inline constexpr EnumTable<StepChoice, 4> step_choices{{{{StepChoice::kept, "kept"},
                                                         {StepChoice::lsq, "lsq"},
                                                         {StepChoice::pact, "pact"},
                                                         {StepChoice::dsq, "dsq"}}}};

enum class StepOrder { together, after };
inline constexpr EnumTable<StepOrder, 2> step_orders{
    {{{StepOrder::together, "together"}, {StepOrder::after, "after"}}}};

// What a unit is fed: behind the float prefix, behind the quantized one, or each value of either.
enum class UnitInput { as_float, quantized, mixed };
inline constexpr EnumTable<UnitInput, 3> unit_inputs{{{{UnitInput::as_float, "float"},
                                                       {UnitInput::quantized, "quantized"},
                                                       {UnitInput::mixed, "mixed"}}}};

enum class UnitObjective { mse, fisher };
inline constexpr EnumTable<UnitObjective, 2> unit_objectives{
    {{{UnitObjective::mse, "mse"}, {UnitObjective::fisher, "fisher"}}}};

struct ReconstructionOptions {
    UnitForm unit = UnitForm::block;
    WeightForm weights = WeightForm::learned;
    StepChoice steps = StepChoice::kept;
    StepOrder order = StepOrder::together;
    UnitInput input = UnitInput::quantized;
    StepTarget target = StepTarget::teacher;
    UnitObjective objective = UnitObjective::mse;
    double mix = 0.5;
    double drop = 0.0;
    double power = 2.0, step_power = 2.0;
    Schedule schedule = Schedule::smoke;
    std::int64_t batch = 0;
    SoftOptions rounding;
    int step_iterations = 0;
    double step_rate = 0;
    double decay = 0.01;
};

}  // namespace aocq::quant
