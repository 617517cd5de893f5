// SPDX-License-Identifier: Apache-2.0
// How long rounding variables are learned: as the papers do, or as little as shows that it works
// (DESIGN §7). Tables say which one ran.
#pragma once

#include "core/EnumTable.hpp"

namespace aocq::quant {

enum class Schedule { smoke, full };
inline constexpr EnumTable<Schedule, 2> schedules{
    {{{Schedule::smoke, "smoke"}, {Schedule::full, "full"}}}};

}  // namespace aocq::quant
