// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/OutputLoss.hpp"

#include <algorithm>
#include <cmath>

#include "core/Error.hpp"
#include "quant/kernels/OutputError.hpp"
#include "quant/passes/MiniBatch.hpp"
#include "quant/passes/OutputSums.hpp"

namespace aocq::quant {
namespace {

std::span<const float> view(const at::Tensor& x) {
    AOCQ_EXPECT(x.is_contiguous());
    return {x.const_data_ptr<float>(), static_cast<std::size_t>(x.numel())};
}

// 1 - <o, p> / (|o| |p|) with p = o + d, from oo, od and dd: no difference of nearly equal numbers.
double one_minus_cosine(double oo, double od, double dd) {
    const double pp = std::max(oo + 2 * od + dd, 0.0);
    const double product = std::sqrt(oo) * std::sqrt(pp);
    if (!(product > 0)) return dd > 0 ? 1.0 : 0.0;
    const double longer = (2 * od + dd) / (std::sqrt(pp) + std::sqrt(oo));  // |p| - |o|
    return std::max((dd - longer * longer) / (2 * product), 0.0);
}

}  // namespace

std::size_t OutputLoss::group_of(std::int64_t unit, std::int64_t column) const {
    switch (groups_.kind) {
        case OutputGroups::Kind::columns:
            return static_cast<std::size_t>(column);
        case OutputGroups::Kind::units:
            return static_cast<std::size_t>(unit % groups_.count);
        case OutputGroups::Kind::whole:
            break;
    }
    return 0;
}

template <class Use>
void OutputLoss::for_each_column(const Use& use) const {
    std::size_t place = 0;
    for (std::int64_t unit = 0; unit < reference_.size(1); ++unit) {
        for (std::int64_t column = 0; column < reference_.size(3); ++column)
            use(group_of(unit, column), place++);
    }
}

OutputLoss::OutputLoss(SearchObjective objective, at::Tensor reference, at::Tensor gradients,
                       OutputGroups groups, RankOptions rank)
    : objective_(objective),
      reference_(reference.contiguous()),
      gradients_(gradients.defined() ? gradients.contiguous() : gradients),
      groups_(groups),
      rank_(rank),
      of_reference_(static_cast<std::size_t>(reference.size(0)),
                    std::vector<Sums>(this->groups())) {
    AOCQ_EXPECT(reference_.dim() == 4);
    AOCQ_EXPECT(objective != SearchObjective::hessian || gradients_.sizes() == reference_.sizes());
    // Errors alone need nothing else.
    if (objective == SearchObjective::hessian || objective == SearchObjective::mse) return;
    const auto rows = static_cast<double>(reference_.size(2));
    for (std::int64_t image = 0; image < images(); ++image) {
        const at::Tensor o = reference_.narrow(0, image, 1).to(at::kDouble);
        const std::vector<double> sum = row_sums(o), squares = row_sums(o.square());
        for_each_column([&](std::size_t group, std::size_t place) {
            Sums& to = of_reference_[static_cast<std::size_t>(image)][group];
            to.count += rows;
            to.o += sum[place];
            to.oo += squares[place];
        });
    }
}

double OutputLoss::loss_of(const Sums& s) const {
    switch (objective_) {
        case SearchObjective::cosine:
            return one_minus_cosine(s.oo, s.od, s.dd);
        case SearchObjective::pearson:
            return one_minus_cosine(std::max(s.oo - s.o * s.o / s.count, 0.0),
                                    s.od - s.o * s.d / s.count,
                                    std::max(s.dd - s.d * s.d / s.count, 0.0));
        case SearchObjective::hessian:
        case SearchObjective::mse:
            break;
    }
    return s.dd;
}

// Reference and output [images, units, rows, columns].
void OutputLoss::add_ranking(const at::Tensor& reference, const at::Tensor& output,
                             std::span<double> losses) const {
    if (rank_.weight == 0.0) return;
    const at::Tensor a = spaced_rows(reference, 2, rank_.rows).to(at::kCPU);
    const at::Tensor ahat = spaced_rows(output, 2, rank_.rows).to(at::kCPU);
    const std::int64_t units = a.size(1);
    const double share =
        rank_.weight * static_cast<double>(groups_.count) / static_cast<double>(units);
    for (std::int64_t image = 0; image < a.size(0); ++image) {
        for (std::int64_t unit = 0; unit < units; ++unit) {
            losses[group_of(unit, 0)] +=
                share * rank_loss(view(a[image][unit]), view(ahat[image][unit]), a.size(3),
                                  static_cast<float>(rank_.margin));
        }
    }
}

at::Tensor OutputLoss::of_portion(const at::Tensor& x, std::int64_t portion) const {
    const std::int64_t rows = x.size(0) / portions();
    return x.narrow(0, portion * rows, rows);
}

void OutputLoss::operator()(std::int64_t portion, const at::Tensor& output,
                            std::span<double> losses) const {
    AOCQ_EXPECT(losses.size() == groups());
    std::fill(losses.begin(), losses.end(), 0.0);
    const at::Tensor o = of_portion(reference_, portion), ohat = output.view(o.sizes());
    const auto columns = static_cast<std::size_t>(o.size(1) * o.size(3));  // of an image
    if (objective_ == SearchObjective::hessian) {
        const auto sums = weighted_error_sums(o, ohat, of_portion(gradients_, portion));
        for (std::size_t first = 0; first < sums.size(); first += columns) {
            for_each_column(
                [&](std::size_t group, std::size_t i) { losses[group] += sums[first + i]; });
        }
    } else {
        const DifferenceSums found = difference_sums(o, ohat);
        std::size_t image = static_cast<std::size_t>(portion * o.size(0));
        for (std::size_t first = 0; first < found.d.size(); first += columns) {
            std::vector<Sums> sums = of_reference_[image++];
            for_each_column([&](std::size_t group, std::size_t i) {
                sums[group].d += found.d[first + i];
                sums[group].od += found.od[first + i];
                sums[group].dd += found.dd[first + i];
            });
            for (std::size_t g = 0; g < losses.size(); ++g) losses[g] += loss_of(sums[g]);
        }
    }
    add_ranking(o, ohat, losses);
}

void OutputLoss::add_shift(std::int64_t portion, const at::Tensor& output,
                           std::span<double> sums) const {
    AOCQ_EXPECT(static_cast<std::int64_t>(sums.size()) == reference_.size(3));
    const at::Tensor o = of_portion(reference_, portion), ohat = output.view(o.sizes());
    if (!o.is_cpu()) {
        const auto found = row_sums(ohat - o);
        for (std::size_t i = 0; i < found.size(); ++i) sums[i % sums.size()] += found[i];
        return;
    }
    std::vector<double> od(sums.size()), dd(sums.size());
    for (std::int64_t unit = 0; unit < o.size(1); ++unit)
        add_differences(view(o[0][unit]), view(ohat[0][unit]), {sums, od, dd});
}

}  // namespace aocq::quant
