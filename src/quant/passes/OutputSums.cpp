// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/OutputSums.hpp"

#include <span>

#include "core/Error.hpp"
#include "quant/kernels/OutputError.hpp"

namespace aocq::quant {
namespace {

std::span<const float> view(const at::Tensor& x) {
    AOCQ_EXPECT(x.is_contiguous());
    return {x.const_data_ptr<float>(), static_cast<std::size_t>(x.numel())};
}

// x [images, units, rows, columns] -> [images * units, rows, columns], and a place for the sums of
// the columns of each.
struct Units {
    explicit Units(const at::Tensor& x) : all(x.flatten(0, 1)) {}
    std::int64_t count() const { return all.size(0); }
    std::size_t columns() const { return static_cast<std::size_t>(all.size(2)); }
    std::vector<double> zeros() const {
        return std::vector<double>(static_cast<std::size_t>(count()) * columns());
    }
    std::span<const float> operator[](std::int64_t unit) const { return view(all[unit]); }
    std::span<double> of_unit(std::vector<double>& sums, std::int64_t unit) const {
        return std::span(sums).subspan(static_cast<std::size_t>(unit) * columns(), columns());
    }
    at::Tensor all;
};

}  // namespace

std::vector<double> row_sums(const at::Tensor& x) {
    const at::Tensor sums = x.sum(2, false, at::kDouble).to(at::kCPU).contiguous();
    const auto* first = sums.const_data_ptr<double>();
    return {first, first + sums.numel()};
}

DifferenceSums difference_sums(const at::Tensor& o, const at::Tensor& ohat) {
    if (!o.is_cpu()) {
        const at::Tensor d = ohat - o;
        return {row_sums(d), row_sums(o * d), row_sums(d * d)};
    }
    const Units right(o), found(ohat);
    DifferenceSums sums{right.zeros(), right.zeros(), right.zeros()};
    for (std::int64_t unit = 0; unit < right.count(); ++unit) {
        add_differences(right[unit], found[unit],
                        {right.of_unit(sums.d, unit), right.of_unit(sums.od, unit),
                         right.of_unit(sums.dd, unit)});
    }
    return sums;
}

std::vector<double> weighted_error_sums(const at::Tensor& o, const at::Tensor& ohat,
                                        const at::Tensor& g) {
    if (!o.is_cpu()) return row_sums(((ohat - o) * g).square());
    const Units right(o), found(ohat), weights(g);
    std::vector<double> sums = right.zeros();
    for (std::int64_t unit = 0; unit < right.count(); ++unit) {
        add_weighted_errors(right[unit], found[unit], weights[unit], right.of_unit(sums, unit));
    }
    return sums;
}

}  // namespace aocq::quant
