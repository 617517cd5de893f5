// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/OutputLoss.hpp"

#include <algorithm>
#include <cmath>

#include "core/Error.hpp"
#include "quant/kernels/OutputError.hpp"
#include "quant/passes/MiniBatch.hpp"

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

OutputLoss::OutputLoss(SearchObjective objective, at::Tensor reference, at::Tensor gradients,
                       OutputGroups groups, RankOptions rank)
    : objective_(objective),
      reference_(reference.contiguous()),
      gradients_(gradients.defined() ? gradients.contiguous() : gradients),
      groups_(groups),
      rank_(rank),
      of_reference_(static_cast<std::size_t>(reference.size(0)),
                    std::vector<Sums>(this->groups())) {
    AOCQ_EXPECT(reference_.dim() == 4 && reference_.device().is_cpu());
    AOCQ_EXPECT(objective != SearchObjective::hessian || gradients_.sizes() == reference_.sizes());
    // Errors alone need nothing else.
    if (objective == SearchObjective::hessian || objective == SearchObjective::mse) return;
    const std::int64_t columns = reference_.size(3);
    const auto rows = static_cast<double>(reference_.size(2));
    for (std::int64_t image = 0; image < images(); ++image) {
        for (std::int64_t unit = 0; unit < reference_.size(1); ++unit) {
            const at::Tensor o = reference_[image][unit].to(at::kDouble);
            const at::Tensor sum = o.sum(0), squares = o.square().sum(0);
            for (std::int64_t c = 0; c < columns; ++c) {
                Sums& to = of_reference_[static_cast<std::size_t>(image)][group_of(unit, c)];
                to.count += rows;
                to.o += sum.const_data_ptr<double>()[c];
                to.oo += squares.const_data_ptr<double>()[c];
            }
        }
    }
}

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

void OutputLoss::weighted(std::int64_t image, const at::Tensor& output,
                          std::span<double> losses) const {
    const std::int64_t columns = reference_.size(3);
    std::vector<double> sums(static_cast<std::size_t>(columns));
    for (std::int64_t unit = 0; unit < reference_.size(1); ++unit) {
        std::fill(sums.begin(), sums.end(), 0.0);
        add_weighted_errors(view(reference_[image][unit]), view(output[unit]),
                            view(gradients_[image][unit]), sums);
        for (std::int64_t c = 0; c < columns; ++c)
            losses[group_of(unit, c)] += sums[static_cast<std::size_t>(c)];
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

double OutputLoss::ranking(std::int64_t image, const at::Tensor& output, std::int64_t unit) const {
    const at::Tensor a = spaced_rows(reference_[image][unit], 0, rank_.rows);
    const at::Tensor ahat = spaced_rows(output[unit], 0, rank_.rows);
    return rank_loss(view(a), view(ahat), a.size(1), static_cast<float>(rank_.margin));
}

void OutputLoss::operator()(std::int64_t image, const at::Tensor& output,
                            std::span<double> losses) const {
    AOCQ_EXPECT(losses.size() == groups() && output.numel() == reference_[image].numel());
    std::fill(losses.begin(), losses.end(), 0.0);
    const std::int64_t units = reference_.size(1), columns = reference_.size(3);
    if (objective_ == SearchObjective::hessian) {
        weighted(image, output, losses);
    } else {
        std::vector<Sums> sums = of_reference_[static_cast<std::size_t>(image)];
        std::vector<double> d(static_cast<std::size_t>(columns)), od(d.size()), dd(d.size());
        for (std::int64_t unit = 0; unit < units; ++unit) {
            for (auto* column : {&d, &od, &dd}) std::fill(column->begin(), column->end(), 0.0);
            add_differences(view(reference_[image][unit]), view(output[unit]), {d, od, dd});
            for (std::int64_t c = 0; c < columns; ++c) {
                const auto i = static_cast<std::size_t>(c);
                Sums& to = sums[group_of(unit, c)];
                to.d += d[i];
                to.od += od[i];
                to.dd += dd[i];
            }
        }
        for (std::size_t g = 0; g < losses.size(); ++g) losses[g] = loss_of(sums[g]);
    }
    if (rank_.weight == 0.0) return;
    const double share =
        rank_.weight * static_cast<double>(groups_.count) / static_cast<double>(units);
    for (std::int64_t unit = 0; unit < units; ++unit)
        losses[group_of(unit, 0)] += share * ranking(image, output, unit);
}

void OutputLoss::add_shift(std::int64_t image, const at::Tensor& output,
                           std::span<double> sums) const {
    std::vector<double> od(sums.size()), dd(sums.size());
    for (std::int64_t unit = 0; unit < reference_.size(1); ++unit)
        add_differences(view(reference_[image][unit]), view(output[unit]), {sums, od, dd});
}

}  // namespace aocq::quant
