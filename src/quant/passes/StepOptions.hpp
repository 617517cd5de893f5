// SPDX-License-Identifier: Apache-2.0
// What activation_step may be told.
#pragma once

#include <cstdint>

#include "core/EnumTable.hpp"
#include "quant/Sensitivity.hpp"
#include "quant/passes/LayerError.hpp"
#include "quant/passes/LearnableStep.hpp"

namespace aocq::quant {

enum class StepScope { layer, block };
inline constexpr EnumTable<StepScope, 2> step_scopes{
    {{{StepScope::layer, "layer"}, {StepScope::block, "block"}}}};

// What a block's output is compared with: the float block on the float prefix's output, or on what
// the quantized prefix makes.
enum class StepTarget { teacher, prefix };
inline constexpr EnumTable<StepTarget, 2> step_targets{
    {{{StepTarget::teacher, "teacher"}, {StepTarget::prefix, "prefix"}}}};

struct StepOptions {
    StepForm form = StepForm::search;
    StepScope objective = StepScope::layer;
    StepTarget target = StepTarget::prefix;
    int rounds = 2;
    std::int64_t rows = 0;
    std::int64_t images = 4;
    int iterations = 200;
    std::int64_t batch = 8;
    double rate = 0.01;
    double decay = 0.01;
    double margin = 0.0;
    LayerError::Mean mean = LayerError::Mean::removed;
    TokenWeightOptions tokens;
};

}  // namespace aocq::quant
