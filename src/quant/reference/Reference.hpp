// SPDX-License-Identifier: Apache-2.0
// The oracle: what quantization means, written to be read and for nothing else. The codecs are
// scalar float32 in the order that Grid.hpp and LogQuant.hpp define, and fast paths must equal them
// bit by bit; the formulas of fitted things are in double and are compared with tolerances.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "quant/kernels/Grid.hpp"
#include "quant/kernels/Layout.hpp"
#include "quant/kernels/LogQuant.hpp"
#include "quant/kernels/TwinQuant.hpp"

namespace aocq::quant::reference {

// No code for NaN.
std::optional<std::int32_t> code(float x, const Grid& grid, int bits);
float value(std::int32_t code, const Grid& grid);
float fake_quant(float x, const Grid& grid, int bits);

// The grid of the i-th value of a tensor.
const Grid& grid_at(std::int64_t i, const Layout& layout, std::span<const Grid> grids);

float fake_quant_log(float x, const LogGrid& grid, int bits);

// By search among all levels of both grids, in double; ties go to the smaller magnitude of the code
// within its grid as round-half-even has it, so compare bits only away from ties.
double nearest_twin_level(float x, const TwinGrid& grid, int bits);
float fake_quant_twin(float x, const TwinGrid& grid, int bits, TwinJoin join);

// Codes of a row of scores, literally as METHODS 3.1 writes log-int-softmax: real numbers where the
// text has integers, n = 30, no codes cut. For steps that leave the products within 64 bits of
// mantissa; -1 where the exponential is zero.
std::vector<int> log_int_codes(std::span<const float> scores, float scale);

// The smallest k of 0..factors whose step widest * 2^(k - factors) has the least square error.
int power_of_two_factor(std::span<const float> channel, const Grid& widest, int bits, int factors);

// Sum of |x - xhat|^power with xhat as float32 makes it and everything else in double.
double grid_error(std::span<const float> x, const Grid& grid, int bits, double power);

// By sorting; linear interpolation at rank quantile * (n - 1).
double quantile(std::span<const float> x, double quantile);

struct Moments {
    double mean = 0.0;
    double m2 = 0.0;  // sum of squared deviations
};
Moments moments(std::span<const float> x);  // two passes

}  // namespace aocq::quant::reference
