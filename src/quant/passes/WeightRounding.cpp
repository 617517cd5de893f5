// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/WeightRounding.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "quant/Simulate.hpp"
#include "quant/kernels/Observers.hpp"
#include "quant/kernels/Rounding.hpp"
#include "quant/passes/BlockRun.hpp"
#include "quant/passes/LayerMoments.hpp"
#include "quant/passes/LearnedRounding.hpp"

namespace aocq::quant {
namespace {

enum class Solver { nearest, sweep, descent, learned };
constexpr EnumTable<Solver, 4> solvers{{{{Solver::nearest, "nearest"},
                                         {Solver::sweep, "sweep"},
                                         {Solver::descent, "descent"},
                                         {Solver::learned, "learned"}}}};

enum class Schedule { smoke, full };
constexpr EnumTable<Schedule, 2> schedules{
    {{{Schedule::smoke, "smoke"}, {Schedule::full, "full"}}}};

struct RoundingOptions {
    Solver solver = Solver::descent;
    int rounds = 2;
    bool cross = true;
    double ridge = 0.0;
    double damping = 0.01;
    bool bias = true;
    Schedule schedule = Schedule::smoke;
    TokenWeightOptions tokens;
};

double ridge_for(const RoundingOptions& options, const Quantizer* input) {
    if (options.ridge > 0) return options.ridge;
    const int bits = input ? input->scheme.bits : 32;
    return bits <= 4 ? 0.1 : bits <= 6 ? 0.03 : 0.01;
}

std::vector<double> to_vector(const at::Tensor& x) {
    const at::Tensor flat = x.to(at::kCPU, at::kDouble).contiguous();
    return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

// One layer's weight put on its grid.
class LayerRounding {
  public:
    LayerRounding(const RoundingOptions& options, const LayerMoments& moments, Quantizer& quantizer)
        : options_(options), quantizer_(quantizer) {
        // Mean one on the diagonal: the figures do not depend on the number of images.
        scale_ = std::max(moments.hessian.diagonal().mean().item<double>(), 1e-300);
        hessian_ = moments.hessian / scale_;
    }

    // target [O, C] f64 -> the same on its grid, f32; sets the quantizer's grids.
    at::Tensor round(const at::Tensor& target) {
        const std::int64_t rows = target.size(0), columns = target.size(1);
        const std::int64_t group =
            quantizer_.scheme.granularity == Granularity::group ? quantizer_.scheme.group : columns;
        const RoundingProblem problem(to_vector(hessian_), columns, group, quantizer_.scheme.bits,
                                      options_.damping);
        const std::vector<double> values = to_vector(target);
        std::vector<std::vector<Grid>> grids = start(values, rows, columns, group);
        std::vector<std::vector<std::int32_t>> learned;
        if (options_.solver == Solver::learned) learned = learn(target, grids, group);

        at::Tensor rounded = at::empty({rows, columns});
        float* out = rounded.mutable_data_ptr<float>();
        std::vector<Grid> all;
        for (std::int64_t o = 0; o < rows; ++o) {
            const std::span<const double> weight(values.data() + o * columns,
                                                 static_cast<std::size_t>(columns));
            RoundedRow row(problem, weight, grids[static_cast<std::size_t>(o)]);
            nearest_error_ += row.error();
            if (!learned.empty()) {
                row.set_codes(learned[static_cast<std::size_t>(o)]);
                finish(row);
            } else if (options_.solver != Solver::nearest) {
                row.sweep();
                if (options_.solver == Solver::descent) finish(row);
            }
            error_ += row.error();
            for (std::int64_t c = 0; c < columns; ++c) {
                const Grid& grid = row.grids()[static_cast<std::size_t>(c / group)];
                out[o * columns + c] =
                    static_cast<float>(row.codes()[static_cast<std::size_t>(c)] - grid.zero_point) *
                    grid.scale;
            }
            all.insert(all.end(), row.grids().begin(), row.grids().end());
        }
        if (quantizer_.scheme.granularity == Granularity::tensor) all.resize(1);
        quantizer_.grids = std::move(all);
        quantizer_.fitted = true;
        return rounded;
    }

    double nearest_error() const { return nearest_error_ * scale_; }
    double error() const { return error_ * scale_; }

  private:
    // Ranges by the error weighted with the diagonal of H, per row and group.
    std::vector<std::vector<Grid>> start(const std::vector<double>& values, std::int64_t rows,
                                         std::int64_t columns, std::int64_t group) const {
        const std::vector<double> importance = to_vector(hessian_.diagonal());
        const SiteScheme& scheme = quantizer_.scheme;
        constexpr int steps = 60;
        const double last = smallest_shrink(scheme.bits);
        if (scheme.granularity == Granularity::tensor) {
            std::vector<double> repeated;
            for (std::int64_t o = 0; o < rows; ++o)
                repeated.insert(repeated.end(), importance.begin(), importance.end());
            const Grid grid =
                fit_weighted(values, repeated, scheme.bits, scheme.symmetry, last, steps);
            return std::vector<std::vector<Grid>>(static_cast<std::size_t>(rows), {grid});
        }
        std::vector<std::vector<Grid>> grids;
        for (std::int64_t o = 0; o < rows; ++o) {
            auto& row = grids.emplace_back();
            for (std::int64_t c = 0; c < columns; c += group) {
                const std::span<const double> part(values.data() + o * columns + c,
                                                   static_cast<std::size_t>(group));
                const std::span<const double> weights(importance.data() + c,
                                                      static_cast<std::size_t>(group));
                row.push_back(
                    fit_weighted(part, weights, scheme.bits, scheme.symmetry, last, steps));
            }
        }
        return grids;
    }

    void finish(RoundedRow& row) const {
        for (int round = 0; round < options_.rounds; ++round) {
            const std::int64_t moved = row.descend();
            if (quantizer_.scheme.granularity != Granularity::tensor) row.refit_scales();
            if (moved == 0) break;
        }
        row.descend();
    }

    std::vector<std::vector<std::int32_t>> learn(const at::Tensor& target,
                                                 const std::vector<std::vector<Grid>>& grids,
                                                 std::int64_t group) const {
        const std::int64_t rows = target.size(0), columns = target.size(1);
        at::Tensor scales = at::empty({rows, columns}, at::kDouble);
        at::Tensor zeros = at::empty({rows, columns}, at::kDouble);
        for (std::int64_t o = 0; o < rows; ++o) {
            for (std::int64_t c = 0; c < columns; c += group) {
                const Grid& grid =
                    grids[static_cast<std::size_t>(o)][static_cast<std::size_t>(c / group)];
                scales.select(0, o).narrow(0, c, group).fill_(static_cast<double>(grid.scale));
                zeros.select(0, o).narrow(0, c, group).fill_(grid.zero_point);
            }
        }
        LearnedOptions learned;
        learned.iterations = options_.schedule == Schedule::full ? 20000 : 500;
        learned.rate = options_.schedule == Schedule::full ? 1e-3 : 2e-2;
        const at::Tensor codes = learn_codes(target / scales + zeros, scales, hessian_,
                                             largest_code(quantizer_.scheme.bits), learned)
                                     .to(at::kInt)
                                     .contiguous();
        std::vector<std::vector<std::int32_t>> found;
        for (std::int64_t o = 0; o < rows; ++o) {
            const std::int32_t* row = codes.const_data_ptr<std::int32_t>() + o * columns;
            found.emplace_back(row, row + columns);
        }
        return found;
    }

    const RoundingOptions& options_;
    Quantizer& quantizer_;
    at::Tensor hessian_;
    double scale_ = 1, nearest_error_ = 0, error_ = 0;
};

class BlockRounding {
  public:
    BlockRounding(const RoundingOptions& options, const PassContext& context, QuantizedModel& model,
                  std::size_t block)
        : options_(options), context_(context), model_(model), block_(block) {
        if (options.bias) add_missing_biases();
    }

    void apply(Json& report) {
        BlockRun run(context_, model_, block_);
        const nn::Block& range = context_.graph.blocks()[block_];
        for (std::size_t node = range.first; node < range.last; ++node) {
            if (context_.graph.nodes()[node].role != nn::Role::linear) continue;
            context_.may_stop();
            layer(run, node, report);
        }
    }

  private:
    void add_missing_biases() {
        const nn::Graph now = nn::edited(context_.graph, model_.edits);
        const nn::Block& range = now.blocks()[block_];
        for (std::size_t node = range.first; node < range.last; ++node) {
            const auto* linear = std::get_if<nn::Linear>(&now.nodes()[node].op);
            if (!linear || !linear->bias.empty()) continue;
            const std::int64_t outputs = now.find_parameter(linear->weight)->shape[0];
            model_.edits.push_back({nn::EditKind::bias, now.nodes()[node].name, outputs});
        }
    }

    at::Tensor weights_of(std::size_t node, std::int64_t rows) const {
        if (options_.tokens.power == 0) return at::ones({rows, 1});
        const auto& found =
            context_.sensitivity->nodes.at(context_.graph.nodes()[node].name).token_norm;
        return token_weights(found, options_.tokens).reshape({-1, 1});
    }

    void layer(BlockRun& run, std::size_t node, Json& report) {
        const Site& site = find_site(context_, node, nn::Operand::weight);
        Quantizer* quantizer = model_.quantization.find(site.name);
        if (!quantizer) return;
        const Site& input_site = find_site(context_, node, nn::Operand::first);
        const Quantizer* input = model_.quantization.find(input_site.name);
        const auto& linear = std::get<nn::Linear>(run.graph().nodes()[node].op);
        const nn::ValueId value = run.graph().nodes()[node].inputs.front();
        run.advance(node);
        const at::Tensor u = run.value(value);
        const at::Tensor x = input ? fake_quantize(u, input_site, *input) : u;
        const std::int64_t channels = u.size(-1);
        const at::Tensor rows = u.reshape({-1, channels});
        const LayerMoments moments =
            layer_moments(rows, x.reshape({-1, channels}), weights_of(node, rows.size(0)));

        const at::Tensor weight = find_parameter(context_, model_, linear.weight).to(at::kDouble);
        const bool moves = options_.cross && input;
        const at::Tensor target =
            moves ? compensated(weight, moments, ridge_for(options_, input)) : weight;
        LayerRounding rounding(options_, moments, *quantizer);
        const at::Tensor rounded = rounding.round(target);
        model_.changed[linear.weight] = rounded;
        report[site.name] = {{"before", rounding.nearest_error()}, {"after", rounding.error()}};
        if (!options_.bias) return;
        const at::Tensor bias = find_parameter(context_, model_, linear.bias).to(at::kDouble);
        model_.changed[linear.bias] = (bias + at::mv(weight, moments.raw_mean) -
                                       at::mv(rounded.to(at::kDouble), moments.mean))
                                          .to(at::kFloat);
    }

    const RoundingOptions& options_;
    const PassContext& context_;
    QuantizedModel& model_;
    std::size_t block_;
};

class WeightRounding : public Pass {
  public:
    WeightRounding(RoundingOptions options, Form form) : options_(options), form_(form) {
        if (form == Form::neutral) {
            options_.cross = false;
            options_.tokens.power = 0;
        }
    }

    Json parameters() const override {
        return {{"solver", solvers.name(options_.solver)},
                {"rounds", options_.rounds},
                {"cross", options_.cross},
                {"ridge", options_.ridge},
                {"damping", options_.damping},
                {"bias", options_.bias},
                {"schedule", schedules.name(options_.schedule)},
                {"token_power", options_.tokens.power},
                {"form", form_ == Form::neutral ? "neutral" : "active"}};
    }

    Needs needs() const override { return {!does_nothing(), options_.tokens.power > 0}; }

    Json apply(const PassContext& context, QuantizedModel& model) const override {
        Json report = Json::object();
        if (does_nothing()) return report;
        for (const std::size_t block : blocks_in_scope(context))
            BlockRounding(options_, context, model, block).apply(report);
        return report;
    }

  private:
    // Nearest codes on the fitted grids are what the simulation does anyway.
    bool does_nothing() const {
        return form_ == Form::neutral && options_.solver == Solver::nearest;
    }

    RoundingOptions options_;
    Form form_;
};

}  // namespace

std::unique_ptr<Pass> make_weight_rounding(Fields fields, Form form) {
    RoundingOptions options;
    options.solver = fields.choice<Solver>("solver", solvers, options.solver);
    options.rounds = static_cast<int>(fields.integer("rounds", 0, 100, options.rounds));
    options.cross = fields.flag("cross", options.cross);
    options.ridge = fields.number("ridge", 0.0, 1e6, options.ridge);
    options.damping = fields.number("damping", 0.0, 1e6, options.damping);
    options.bias = fields.flag("bias", options.bias);
    options.schedule = fields.choice<Schedule>("schedule", schedules, options.schedule);
    options.tokens.power = fields.number("token_power", 0.0, 4.0, options.tokens.power);
    fields.finish();
    return std::make_unique<WeightRounding>(options, form);
}

}  // namespace aocq::quant
