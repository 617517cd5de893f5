// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "quant/Simulate.hpp"
#include "quant/passes/CandidateSearch.hpp"
#include "quant/passes/OperandSearch.hpp"
#include "quant/passes/ScaleCandidates.hpp"

namespace aocq::quant {
namespace {

bool can_search(const SearchedOperand& operand) {
    return operand.quantizer && operand.quantizer->scheme.mode == Mode::fixed;
}

at::Tensor on_grid(const at::Tensor& x, const SearchedOperand& operand) {
    return operand.quantizer ? fake_quantize(x, operand.site, *operand.quantizer) : x;
}

// [images, rows, O] -> [images, 1, rows, O]
at::Tensor as_units(const at::Tensor& x) {
    return x.defined() ? x.unsqueeze(1) : x;
}

class LinearSearch {
  public:
    LinearSearch(const ScaleSearchOptions& options, LinearValues& values, SearchedOperand input,
                 SearchedOperand weight)
        : options_(options),
          values_(values),
          input_(std::move(input)),
          weight_(std::move(weight)),
          factors_(options.factors()),
          whole_(options.objective, as_units(values.output), as_units(values.gradients), {}) {
        if (can_search(input_)) input_start_ = input_.quantizer->grids;
        if (can_search(weight_)) weight_start_ = weight_.quantizer->grids;
    }

    SearchFigures run(const std::function<void()>& may_stop) {
        const auto images = static_cast<double>(whole_.images());
        SearchFigures figures{total() / images, 0};
        // A side whose other one stayed would find the same again, unless the bias moved.
        const bool always = options_.bias_correction;
        bool weight_moved = false, input_moved = false;
        for (int round = 0; round < options_.rounds; ++round) {
            may_stop();
            const bool first = round == 0;
            weight_moved =
                (first || input_moved || always) && can_search(weight_) && search_weight();
            may_stop();
            input_moved = (first || weight_moved || always) && can_search(input_) && search_input();
            if (options_.bias_correction) correct_bias();
            if (!weight_moved && !input_moved) break;
        }
        figures.after = total() / images;
        return figures;
    }

  private:
    // x [images, rows, C] -> [images * rows, O]
    static at::Tensor output(const at::Tensor& x, const at::Tensor& transposed,
                             const at::Tensor& bias) {
        const at::Tensor rows = x.reshape({-1, x.size(2)});
        return bias.defined() ? at::addmm(bias, rows, transposed) : at::mm(rows, transposed);
    }

    double total() const {
        const at::Tensor x = on_grid(values_.x, input_);
        const at::Tensor transposed = on_grid(values_.weight, weight_).t();
        double sum = 0, loss = 0;
        for (std::int64_t i = 0; i < whole_.portions(); ++i) {
            whole_(i, output(whole_.of_portion(x, i), transposed, values_.bias), {&loss, 1});
            sum += loss;
        }
        return sum;
    }

    bool search_input() {
        const auto all = scale_candidates(*input_.quantizer, input_start_, input_.site, factors_);
        const at::Tensor transposed = on_grid(values_.weight, weight_).t();
        Quantizer tried = *input_.quantizer;
        const auto best =
            search_candidates(all.size(), whole_.portions(), 1,
                              [&](std::size_t c, std::int64_t portion, std::span<double> losses) {
                                  tried.grids = all[c];
                                  const at::Tensor x = fake_quantize(
                                      whole_.of_portion(values_.x, portion), input_.site, tried);
                                  whole_(portion, output(x, transposed, values_.bias), losses);
                              });
        if (best.front().index == 0) return false;
        input_.quantizer->grids = all[best.front().index];
        return true;
    }

    // Outputs of different grids do not feel each other: channels are searched side by side, parts
    // one after another.
    bool search_weight() {
        const at::Tensor x = on_grid(values_.x, input_);
        const SiteScheme& scheme = weight_.quantizer->scheme;
        const std::int64_t outputs = values_.weight.size(0);
        const std::int64_t parts = scheme.granularity == Granularity::part ? scheme.group : 1;
        bool changed = false;
        for (std::int64_t part = 0; part < parts; ++part)
            changed = search_rows(x, part, outputs / parts) || changed;
        return changed;
    }

    bool search_rows(const at::Tensor& x, std::int64_t part, std::int64_t rows) {
        const std::int64_t first = part * rows;
        const bool channels = weight_.quantizer->scheme.granularity == Granularity::channel;
        const auto cut = [&](const at::Tensor& of_output) {
            return of_output.defined() ? as_units(of_output.narrow(2, first, rows)) : of_output;
        };
        const OutputLoss loss(
            options_.objective, cut(values_.output), cut(values_.gradients),
            channels ? OutputGroups{OutputGroups::Kind::columns, rows} : OutputGroups{});
        const at::Tensor weight = values_.weight.narrow(0, first, rows).contiguous();
        const at::Tensor bias = values_.bias.defined()
                                    ? values_.bias.narrow(0, first, rows).contiguous()
                                    : at::Tensor();
        const PartCandidates candidates(*this, part);
        std::optional<std::size_t> made;  // the candidate that `transposed` is of
        at::Tensor transposed;
        const auto best = search_candidates(
            candidates.grids.size(), loss.portions(), loss.groups(),
            [&](std::size_t c, std::int64_t portion, std::span<double> losses) {
                if (made != c) transposed = candidates.quantized(weight, c).t();
                made = c;
                loss(portion, output(loss.of_portion(x, portion), transposed, bias), losses);
            });
        return take(candidates, best, part);
    }

    // The candidates of one part's grids.
    struct PartCandidates {
        PartCandidates(const LinearSearch& search, std::int64_t part)
            : site(search.weight_.site), quantizer(*search.weight_.quantizer) {
            std::vector<Grid> start = search.weight_start_;
            if (quantizer.scheme.granularity == Granularity::part) {
                const auto at = static_cast<std::size_t>(part);
                start = {start[at]};
                quantizer.grids = {quantizer.grids[at]};
                quantizer.scheme.granularity = Granularity::tensor;
            }
            grids = scale_candidates(quantizer, start, site, search.factors_);
        }
        at::Tensor quantized(const at::Tensor& weight, std::size_t candidate) const {
            Quantizer tried = quantizer;
            tried.grids = grids[candidate];
            return fake_quantize(weight, site, tried);
        }
        Site site;
        Quantizer quantizer;
        std::vector<std::vector<Grid>> grids;
    };

    bool take(const PartCandidates& candidates, const std::vector<BestCandidate>& best,
              std::int64_t part) {
        bool changed = false;
        std::vector<Grid>& grids = weight_.quantizer->grids;
        const bool parts = weight_.quantizer->scheme.granularity == Granularity::part;
        for (std::size_t g = 0; g < best.size(); ++g) {
            if (best[g].index == 0) continue;
            changed = true;
            const std::vector<Grid>& found = candidates.grids[best[g].index];
            if (parts) {
                grids[static_cast<std::size_t>(part)] = found.front();
            } else if (best.size() == grids.size()) {
                grids[g] = found[g];
            } else {
                grids = found;
            }
        }
        return changed;
    }

    void correct_bias() {
        AOCQ_EXPECT(values_.bias.defined());
        const at::Tensor x = on_grid(values_.x, input_);
        const at::Tensor transposed = on_grid(values_.weight, weight_).t();
        std::vector<double> shift(static_cast<std::size_t>(values_.weight.size(0)));
        for (std::int64_t i = 0; i < whole_.portions(); ++i)
            whole_.add_shift(i, output(whole_.of_portion(x, i), transposed, values_.bias), shift);
        const at::Tensor mean =
            at::tensor(at::ArrayRef<double>(shift.data(), shift.size()), at::kDouble) /
            static_cast<double>(values_.x.size(0) * values_.x.size(1));
        values_.bias =
            (values_.bias.to(at::kDouble) - mean.to(values_.bias.device())).to(at::kFloat);
    }

    const ScaleSearchOptions& options_;
    LinearValues& values_;
    SearchedOperand input_, weight_;
    std::vector<double> factors_;
    OutputLoss whole_;
    std::vector<Grid> input_start_, weight_start_;
};

}  // namespace

SearchFigures search_linear(const ScaleSearchOptions& options, LinearValues& values,
                            SearchedOperand input, SearchedOperand weight,
                            const std::function<void()>& may_stop) {
    return LinearSearch(options, values, std::move(input), std::move(weight)).run(may_stop);
}

}  // namespace aocq::quant
