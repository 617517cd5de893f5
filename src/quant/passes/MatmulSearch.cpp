// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "quant/Simulate.hpp"
#include "quant/passes/CandidateSearch.hpp"
#include "quant/passes/OperandSearch.hpp"
#include "quant/passes/ScaleCandidates.hpp"

namespace aocq::quant {
namespace {

// [images * windows, H, N, M] -> [images, windows * H, N, M]
at::Tensor as_units(const at::Tensor& x, std::int64_t images) {
    if (!x.defined()) return x;
    return x.contiguous().view({images, -1, x.size(2), x.size(3)});
}

class MatmulSearch {
  public:
    MatmulSearch(const ScaleSearchOptions& options, const MatmulValues& values, SearchedOperand lhs,
                 SearchedOperand rhs)
        : options_(options),
          values_(values),
          sides_{std::move(lhs), std::move(rhs)},
          factors_(options.factors()) {
        for (std::size_t s = 0; s < 2; ++s) {
            if (sides_[s].quantizer) start_[s] = sides_[s].quantizer->grids;
        }
    }

    SearchFigures run(const std::function<void()>& may_stop) {
        const auto images = static_cast<double>(values_.images);
        SearchFigures figures{total() / images, 0};
        std::array<bool, 2> moved{};
        for (int round = 0; round < options_.rounds; ++round) {
            for (std::size_t side = 0; side < 2; ++side) {
                may_stop();
                // A side whose other one stayed would find the same again.
                moved[side] = (round == 0 || moved[1 - side]) && search(side);
            }
            if (!moved[0] && !moved[1]) break;
        }
        figures.after = total() / images;
        return figures;
    }

  private:
    OutputLoss loss(OutputGroups groups) const {
        RankOptions rank = options_.rank;
        if (!values_.is_scores) rank.weight = 0;
        return {options_.objective, as_units(values_.output, values_.images),
                as_units(values_.gradients, values_.images), groups, rank};
    }

    const at::Tensor& operand_of(std::size_t side) const {
        return side == 0 ? values_.lhs : values_.rhs;
    }

    at::Tensor quantized(std::size_t side, const OutputLoss& objective,
                         std::int64_t portion) const {
        const at::Tensor x = objective.of_portion(operand_of(side), portion);
        const SearchedOperand& operand = sides_[side];
        return operand.quantizer ? fake_quantize(x, operand.site, *operand.quantizer) : x;
    }

    // [images * windows, H, N, M]
    at::Tensor product(const at::Tensor& lhs, const at::Tensor& rhs) const {
        const at::Tensor right = values_.transpose_rhs ? rhs.transpose(-2, -1) : rhs;
        at::Tensor y = at::matmul(lhs, right);
        y.mul_(values_.factor);
        return y;
    }

    double total() const {
        const OutputLoss whole = loss({});
        double sum = 0, found = 0;
        for (std::int64_t i = 0; i < whole.portions(); ++i) {
            whole(i, product(quantized(0, whole, i), quantized(1, whole, i)), {&found, 1});
            sum += found;
        }
        return sum;
    }

    bool search(std::size_t side) {
        const SearchedOperand& operand = sides_[side];
        if (!operand.quantizer || operand.quantizer->scheme.mode == Mode::dynamic) return false;
        const bool heads = operand.quantizer->scheme.granularity == Granularity::head;
        const OutputLoss objective =
            loss(heads ? OutputGroups{OutputGroups::Kind::units, values_.output.size(1)}
                       : OutputGroups{});
        std::vector<at::Tensor> other;
        for (std::int64_t i = 0; i < objective.portions(); ++i)
            other.push_back(quantized(1 - side, objective, i));
        const auto all = scale_candidates(*operand.quantizer, start_[side], operand.site, factors_);
        Quantizer tried = *operand.quantizer;
        const auto best = search_candidates(
            all.size(), objective.portions(), objective.groups(),
            [&](std::size_t c, std::int64_t portion, std::span<double> losses) {
                tried.grids = all[c];
                const at::Tensor x = fake_quantize(objective.of_portion(operand_of(side), portion),
                                                   operand.site, tried);
                const at::Tensor& fixed = other[static_cast<std::size_t>(portion)];
                objective(portion, side == 0 ? product(x, fixed) : product(fixed, x), losses);
            });
        bool changed = false;
        for (std::size_t g = 0; g < best.size(); ++g) {
            if (best[g].index == 0) continue;
            changed = true;
            if (heads) {
                operand.quantizer->grids[g] = all[best[g].index][g];
            } else {
                operand.quantizer->grids = all[best[g].index];
            }
        }
        return changed;
    }

    const ScaleSearchOptions& options_;
    const MatmulValues& values_;
    SearchedOperand sides_[2];
    std::vector<double> factors_;
    std::vector<Grid> start_[2];
};

}  // namespace

SearchFigures search_matmul(const ScaleSearchOptions& options, const MatmulValues& values,
                            SearchedOperand lhs, SearchedOperand rhs,
                            const std::function<void()>& may_stop) {
    return MatmulSearch(options, values, std::move(lhs), std::move(rhs)).run(may_stop);
}

}  // namespace aocq::quant
