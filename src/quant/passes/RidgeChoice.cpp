// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/RidgeChoice.hpp"

#include <array>
#include <limits>

#include "core/Error.hpp"

namespace aocq::quant {
namespace {

constexpr std::array ridges{0.01, 0.1, 1.0, 10.0, 100.0};
constexpr std::size_t first_tried = 1;

// One part's moments, with the products that every ridge needs.
struct Part {
    const LayerMoments* moments;
    at::Tensor wanted;  // cross W^T [C, O]
};

Part part_of(const at::Tensor& weight, const LayerMoments& moments) {
    AOCQ_EXPECT(moments.cross.defined() && moments.weight > 0);
    return {&moments, at::mm(moments.cross, weight.t())};
}

// Of a change D^T [C, O]: tr(D H D^T) - 2 tr(D cross W^T).
double error_of(const at::Tensor& change, const Part& part) {
    const at::Tensor sum = (at::mm(part.moments->hessian, change) - part.wanted * 2.0) * change;
    return sum.sum().item<double>() / part.moments->weight;
}

// Of what `known` asks for, on `tried`; infinite where that cannot be solved.
double error_across(const Part& known, const Part& tried, double ridge) {
    const auto change = ridge_solution(known.moments->hessian, known.wanted, ridge);
    return change ? error_of(*change, tried) : std::numeric_limits<double>::infinity();
}

}  // namespace

double compensation_error(const at::Tensor& weight, const at::Tensor& change,
                          const LayerMoments& moments) {
    return error_of(change.t(), part_of(weight, moments));
}

// The error falls to one minimum and rises again.
std::optional<double> choose_ridge(const at::Tensor& weight, const LayerMoments& one,
                                   const LayerMoments& other) {
    const at::Tensor w = weight.to(at::kDouble);
    const Part first = part_of(w, one), second = part_of(w, other);
    const auto error = [&](std::size_t place) {
        return error_across(first, second, ridges[place]) +
               error_across(second, first, ridges[place]);
    };
    std::size_t best = first_tried;
    double least = error(best);
    const auto better = [&](std::size_t place) {
        const double found = error(place);
        if (!(found < least)) return false;
        least = found;
        best = place;
        return true;
    };
    while (best > 0 && better(best - 1)) {
    }
    if (best == first_tried) {
        while (best + 1 < ridges.size() && better(best + 1)) {
        }
    }
    // Without any change the error is 0.
    if (least < 0) return ridges[best];
    return std::nullopt;
}

}  // namespace aocq::quant
