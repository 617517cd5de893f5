// SPDX-License-Identifier: Apache-2.0
// What weight_rounding may be told.
#pragma once

#include "core/EnumTable.hpp"
#include "quant/Sensitivity.hpp"
#include "quant/passes/OutputFactor.hpp"
#include "quant/passes/Schedule.hpp"

namespace aocq::quant {

enum class Solver { nearest, sweep, halves, descent, learned };
inline constexpr EnumTable<Solver, 5> solvers{{{{Solver::nearest, "nearest"},
                                                {Solver::sweep, "sweep"},
                                                {Solver::halves, "halves"},
                                                {Solver::descent, "descent"},
                                                {Solver::learned, "learned"}}}};

enum class Refinement { none, learned };
inline constexpr EnumTable<Refinement, 2> refinements{
    {{{Refinement::none, "none"}, {Refinement::learned, "learned"}}}};

struct RoundingOptions {
    Solver solver = Solver::descent;
    int rounds = 2;
    Refinement refinement = Refinement::none;
    OutputForm output = OutputForm::identity;
    double shrink = 0.5;
    bool cross = true;
    double teacher = 0.0;
    double ridge = 0.0;
    double damping = 0.01;
    bool bias = true;
    Schedule schedule = Schedule::smoke;
    TokenWeightOptions tokens;
};

}  // namespace aocq::quant
