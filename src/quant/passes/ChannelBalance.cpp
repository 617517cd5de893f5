// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/ChannelBalance.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "quant/Simulate.hpp"
#include "quant/passes/BalanceSites.hpp"
#include "quant/passes/LayerError.hpp"
#include "quant/passes/Ranges.hpp"

namespace aocq::quant {
namespace {

struct BalanceOptions {
    std::vector<BalanceKind> sites;
    std::vector<double> alphas;
    bool shift = true;
    bool power_of_two = false;
    double margin = 0.02;
    std::int64_t rows = 2048;
    TokenWeightOptions tokens;
};

// Scales with geometric mean one.
at::Tensor normalized(const at::Tensor& scale, bool power_of_two) {
    const at::Tensor logs = scale.to(at::kDouble).clamp_min(1e-5).log2();
    const at::Tensor centred = logs - logs.mean();
    return at::exp2(power_of_two ? at::round(centred) : centred).to(at::kFloat);
}

// Extents of channels relative to their median, no smaller than 2 % of it.
at::Tensor relative_extent(const at::Tensor& extent) {
    const at::Tensor median = extent.median().clamp_min(1e-12);
    return (extent / median).clamp_min(0.02);
}

// One layer (or several with the same input) whose input is to be balanced.
class LayerSearch {
  public:
    LayerSearch(const BalanceOptions& options, const at::Tensor& x, const at::Tensor& weights,
                at::Tensor weight, const Quantizer* input, const Quantizer* rounded)
        : options_(options), weight_(std::move(weight)), input_(input), rounded_(rounded) {
        const at::Tensor flat = x.reshape({-1, x.size(-1)});
        low_ = std::get<0>(flat.min(0));
        high_ = std::get<0>(flat.max(0));
        const Split split = split_images(x.size(0));
        search_ = pick_rows(x, weights, split.search, options.rows);
        judge_ = pick_rows(x, weights, split.judge, options.rows);
    }

    struct Candidate {
        double alpha = 0;
        bool shifted = false;
        Balance balance;
        Range range;
        double activation = 0, weight = 0;  // parts of the error on the searched rows
        double error() const { return activation + weight; }
    };

    Candidate identity() const { return evaluate(0.0, false); }

    Candidate best() const {
        Candidate best = identity();
        for (const bool shifted : {false, true}) {
            if (shifted && !options_.shift) continue;
            for (const double alpha : options_.alphas) {
                if (alpha == 0.0 && !shifted) continue;
                Candidate found = evaluate(alpha, shifted);
                if (found.error() < best.error()) best = std::move(found);
            }
        }
        return best;
    }

    // The error on the images that the search did not see.
    double judge(const Candidate& candidate) const {
        return errors(judge_, candidate).first + errors(judge_, candidate).second;
    }

    // What the channels' extents alone foretell: step^2 times the sum of scale^2 |w|^2 (METHODS 0.3,
    // I9), for comparison with what was measured.
    double predicted(const Candidate& c) const {
        const double step = c.range.high - c.range.low;
        return step * step *
               (weight_.to(at::kDouble).square().sum(0) * c.balance.scale.to(at::kDouble).square())
                   .sum()
                   .item<double>();
    }

  private:
    Candidate evaluate(double alpha, bool shifted) const {
        Candidate c;
        c.alpha = alpha;
        c.shifted = shifted;
        const at::Tensor shift = shifted ? (low_ + high_) / 2 : at::zeros_like(low_);
        const at::Tensor extent =
            relative_extent(at::maximum(high_ - shift, shift - low_).clamp_min(0));
        c.balance = {normalized(extent.pow(alpha), options_.power_of_two), shift};
        if (input_ && input_->scheme.mode == Mode::fixed) {
            const at::Tensor x = (search_.x - shift) / c.balance.scale;
            // The extremes over all images, not only those of the picked rows.
            const float low = ((low_ - shift) / c.balance.scale).min().item<float>();
            const float high = ((high_ - shift) / c.balance.scale).max().item<float>();
            c.range = fit_range(at::cat({x.reshape({-1}), at::tensor({low, high})}),
                                input_->scheme.bits, input_->scheme.symmetry, 4096, 40);
        }
        std::tie(c.activation, c.weight) = errors(search_, c);
        return c;
    }

    std::pair<double, double> errors(const Rows& rows, const Candidate& c) const {
        const at::Tensor x = (rows.x - c.balance.shift) / c.balance.scale;
        const at::Tensor weight = weight_ * c.balance.scale;
        std::pair<double, double> found{0, 0};
        if (input_) {
            found.first = LayerError(weight)(rounded_input(x, c.range) - x, rows.weights);
        }
        if (rounded_) {
            Quantizer quantizer = *rounded_;
            const Site site{"weight", SiteKind::linear_weight, 0, nn::Operand::weight, "weight"};
            fit_weight_quantizer(weight, site, quantizer);
            const at::Tensor difference = fake_quantize(weight, site, quantizer) - weight;
            found.second = (at::mm(x, difference.t()).square().sum(1, true) * rows.weights)
                               .sum(at::kDouble)
                               .item<double>();
        }
        return found;
    }

    at::Tensor rounded_input(const at::Tensor& x, Range range) const {
        Quantizer quantizer = *input_;
        if (quantizer.scheme.mode == Mode::fixed) {
            quantizer.grids = {grid_from_range(range.low, range.high, quantizer.scheme.bits,
                                               quantizer.scheme.symmetry)};
        }
        return fake_quantize(x, {"input", SiteKind::linear_input, 0, nn::Operand::first, ""},
                             quantizer);
    }

    const BalanceOptions& options_;
    at::Tensor weight_, low_, high_;
    const Quantizer* input_;
    const Quantizer* rounded_;
    Rows search_, judge_;
};

// Query and key of one attention.
class ScoresSearch {
  public:
    // q, k [images, H, N, D] f32; weights [images, N]
    ScoresSearch(const BalanceOptions& options, const at::Tensor& q, const at::Tensor& k,
                 const at::Tensor& weights, double factor, const Quantizer& query,
                 const Quantizer& key)
        : options_(options), factor_(factor), query_(query), key_(key) {
        const auto per_channel = [](const at::Tensor& x) {
            return x.transpose(1, 2).reshape({-1, x.size(1) * x.size(3)});
        };
        const at::Tensor keys = per_channel(k);
        const at::Tensor low = std::get<0>(keys.min(0)), high = std::get<0>(keys.max(0));
        middle_ = (low + high) / 2;
        key_extent_ = relative_extent((high - low) / 2);
        query_extent_ = relative_extent(std::get<0>(per_channel(q).abs().max(0)));
        const Split split = split_images(q.size(0));
        search_ = take(q, k, weights, split.search);
        judge_ = take(q, k, weights, split.judge);
    }

    struct Candidate {
        double query_power = 0, key_power = 0;
        Balance balance;
        double error = 0;
    };

    Candidate identity() const { return evaluate(0, 0, at::zeros_like(middle_)); }

    Candidate best() const {
        Candidate best = identity();
        const std::vector<double> powers{0.0, 0.25, 0.5, 0.75, 1.0};
        for (const double a : powers) {
            for (const double c : powers) {
                Candidate found = evaluate(a, c, middle_);
                if (found.error < best.error) best = std::move(found);
            }
        }
        return best;
    }

    double judge(const Candidate& candidate) const {
        return error(judge_, candidate.balance);
    }

  private:
    struct Sample {
        at::Tensor q, k, probability, weights;
    };

    // At most six images, evenly spaced: attention is quadratic in tokens.
    Sample take(const at::Tensor& q, const at::Tensor& k, const at::Tensor& weights,
                const std::vector<std::int64_t>& images) const {
        constexpr std::size_t most = 6;
        std::vector<std::int64_t> chosen;
        for (std::size_t i = 0; i < std::min(most, images.size()); ++i)
            chosen.push_back(images[i * images.size() / std::min(most, images.size())]);
        const at::Tensor index =
            at::tensor(at::ArrayRef<std::int64_t>(chosen.data(), chosen.size()));
        Sample s{q.index_select(0, index), k.index_select(0, index), {}, {}};
        s.probability = probability(s.q, s.k);
        s.weights = weights.index_select(0, index).unsqueeze(1).unsqueeze(-1);  // [n, 1, N, 1]
        return s;
    }

    at::Tensor probability(const at::Tensor& q, const at::Tensor& k) const {
        return at::softmax(at::matmul(q, k.transpose(-2, -1)) * factor_, -1);
    }

    Candidate evaluate(double a, double c, const at::Tensor& shift) const {
        Candidate found{a, c, {}, 0};
        const at::Tensor scale = query_extent_.pow(a) / key_extent_.pow(c);
        found.balance = {normalized(scale, options_.power_of_two), shift};
        found.error = error(search_, found.balance);
        return found;
    }

    double error(const Sample& s, const Balance& balance) const {
        const auto shape = [&](const at::Tensor& x) {  // [H * D] -> [1, H, 1, D]
            return x.view({1, s.q.size(1), 1, s.q.size(3)});
        };
        const at::Tensor q = s.q / shape(balance.scale);
        const at::Tensor k = (s.k - shape(balance.shift)) * shape(balance.scale);
        const at::Tensor p = probability(rounded(q, SiteKind::attention_query, query_),
                                         rounded(k, SiteKind::attention_key, key_));
        return ((p - s.probability).square() * s.weights).sum(at::kDouble).item<double>();
    }

    static at::Tensor rounded(const at::Tensor& x, SiteKind kind, const Quantizer& like) {
        Quantizer quantizer = like;
        const Site site{"operand", kind, 0, nn::Operand::first, ""};
        if (quantizer.scheme.granularity == Granularity::tensor) {
            const Range range = fit_range(x, like.scheme.bits, like.scheme.symmetry, 4096, 40);
            quantizer.grids = {
                grid_from_range(range.low, range.high, like.scheme.bits, like.scheme.symmetry)};
        } else {
            fit_quantizer(x.contiguous(), site, quantizer);
        }
        return fake_quantize(x, site, quantizer);
    }

    const BalanceOptions& options_;
    double factor_;
    const Quantizer& query_;
    const Quantizer& key_;
    at::Tensor middle_, key_extent_, query_extent_;
    Sample search_, judge_;
};

// The pass on one block.
class BlockBalance {
  public:
    BlockBalance(const BalanceOptions& options, const PassContext& context, QuantizedModel& model,
                 std::size_t block)
        : options_(options), context_(context), model_(model) {
        sites_ = find_balance_sites(context, block);
        run_float(block);
    }

    void apply(Json& report) {
        for (const BalanceSite& site : sites_) {
            const auto& wanted = options_.sites;
            if (std::find(wanted.begin(), wanted.end(), site.kind) == wanted.end()) continue;
            context_.may_stop();
            if (site.kind == BalanceKind::scores) {
                scores(site, report);
            } else {
                layer(site, report);
            }
        }
    }

  private:
    const std::string& name(std::size_t node) const { return context_.graph.nodes()[node].name; }
    nn::ValueId input_of(std::size_t node, std::size_t i = 0) const {
        return context_.graph.nodes()[node].inputs[i];
    }
    Quantizer* quantizer(std::size_t node, nn::Operand operand) {
        return model_.quantization.find(find_site(context_, node, operand).name);
    }

    void run_float(std::size_t block) {
        const nn::Block& range = context_.graph.blocks()[block];
        nn::RunOptions options;
        options.first = range.first;
        options.last = range.last;
        for (const BalanceSite& site : sites_) {
            for (const std::size_t node : site.consumers) {
                for (const auto input : context_.graph.nodes()[node].inputs)
                    options.taps.push_back(input);
            }
        }
        for (std::size_t i = range.first; i < range.last; ++i) {
            if (context_.graph.nodes()[i].role == nn::Role::attention_context)
                options.taps.push_back(input_of(i, 1));
        }
        values_ = nn::run(context_.graph, context_.parameters,
                          {{context_.walk->entrance(block), context_.walk->teacher(block)}},
                          options);
    }

    // [images, rows of an image]
    at::Tensor weights_of(std::size_t node) const {
        return token_weights(context_.sensitivity->nodes.at(name(node)).token_norm,
                             options_.tokens);
    }

    at::Tensor joined_weight(const BalanceSite& site) const {
        std::vector<at::Tensor> parts;
        for (const std::size_t node : site.consumers) {
            const auto& linear = std::get<nn::Linear>(context_.graph.nodes()[node].op);
            parts.push_back(find_parameter(context_, model_, linear.weight));
        }
        return at::cat(parts, 0);
    }

    void layer(const BalanceSite& site, Json& report) {
        const std::size_t consumer = site.consumers.front();
        const Quantizer* input = quantizer(consumer, nn::Operand::first);
        const Quantizer* weight = quantizer(consumer, nn::Operand::weight);
        // Channels with grids of their own are balanced already.
        if (input && input->scheme.granularity == Granularity::channel) return;
        if (!input && !weight) return;
        const at::Tensor& x = values_.at(input_of(consumer));
        const at::Tensor images = x.reshape({context_.walk->images(), -1, x.size(-1)});
        const LayerSearch search(options_, images, weights_of(consumer), joined_weight(site), input,
                                 weight);
        const auto before = search.identity(), best = search.best();
        const double judged_before = search.judge(before), judged = search.judge(best);
        const bool accepted = judged < judged_before * (1 - options_.margin);
        Json& entry = report[name(consumer) + ":input"];
        entry = {{"before", judged_before},
                 {"after", accepted ? judged : judged_before},
                 {"alpha", best.alpha},
                 {"shifted", best.shifted},
                 {"accepted", accepted}};
        if (input && input->scheme.mode == Mode::fixed) {
            entry["predicted_ratio"] = search.predicted(best) / search.predicted(before);
            entry["measured_ratio"] = best.activation / std::max(before.activation, 1e-300);
        }
        if (!accepted) return;
        fold(context_, site, best.balance, model_);
        refit(site, x, best.balance);
    }

    void refit(const BalanceSite& site, const at::Tensor& x, const Balance& balance) {
        const at::Tensor balanced = (x - balance.shift) / balance.scale;
        for (const std::size_t node : site.consumers) {
            if (Quantizer* q = quantizer(node, nn::Operand::first))
                fit_quantizer(balanced, find_site(context_, node, nn::Operand::first), *q);
            refit_weight(node);
        }
        if (site.kind != BalanceKind::value) return;
        refit_weight(site.producer);
        for (std::size_t i = 0; i < context_.graph.nodes().size(); ++i) {
            if (!values_.contains(input_of_context(i, site))) continue;
            const at::Tensor& v = values_.at(input_of_context(i, site));  // [B, H, N, D]
            const auto shape = [&](const at::Tensor& c) {
                return c.view({1, v.size(1), 1, v.size(3)});
            };
            if (Quantizer* q = quantizer(i, nn::Operand::second)) {
                fit_quantizer(((v - shape(balance.shift)) / shape(balance.scale)).contiguous(),
                              find_site(context_, i, nn::Operand::second), *q);
            }
        }
    }

    // The value operand of an attention product that takes it from the site's projection; -1 else.
    nn::ValueId input_of_context(std::size_t node, const BalanceSite& site) const {
        const nn::Node& product = context_.graph.nodes()[node];
        if (product.role != nn::Role::attention_context) return -1;
        const nn::ValueId value = product.inputs[1];
        for (const nn::Node& split : context_.graph.nodes()) {
            if (split.output == value && split.inputs.front() ==
                                             context_.graph.nodes()[site.producer].output)
                return value;
        }
        return -1;
    }

    void refit_weight(std::size_t node) {
        Quantizer* q = quantizer(node, nn::Operand::weight);
        if (!q) return;
        const Site& site = find_site(context_, node, nn::Operand::weight);
        fit_weight_quantizer(find_parameter(context_, model_, site.parameter), site, *q);
    }

    void scores(const BalanceSite& site, Json& report) {
        const std::size_t product = site.consumers.front();
        Quantizer* query = quantizer(product, nn::Operand::first);
        Quantizer* key = quantizer(product, nn::Operand::second);
        if (!query || !key) return;
        const at::Tensor &q = values_.at(input_of(product, 0)), &k = values_.at(input_of(product, 1));
        // Windows of an image lie one after another, and its tokens' weights like them.
        search_scores(site, q, k, weights_of(site.producer).reshape({q.size(0), -1}), report);
    }

    void search_scores(const BalanceSite& site, const at::Tensor& q, const at::Tensor& k,
                       const at::Tensor& weights, Json& report) {
        const std::size_t product = site.consumers.front();
        Quantizer* query = quantizer(product, nn::Operand::first);
        Quantizer* key = quantizer(product, nn::Operand::second);
        const auto& matmul = std::get<nn::Matmul>(context_.graph.nodes()[product].op);
        const ScoresSearch search(options_, q, k, weights, matmul.factor, *query, *key);
        const auto before = search.identity(), best = search.best();
        const double judged_before = search.judge(before), judged = search.judge(best);
        const bool accepted = judged < judged_before * (1 - options_.margin);
        report[name(product)] = {{"before", judged_before},
                                 {"after", accepted ? judged : judged_before},
                                 {"query_power", best.query_power},
                                 {"key_power", best.key_power},
                                 {"accepted", accepted}};
        if (!accepted) return;
        fold_scores(context_, site, best.balance, model_);
        const auto shape = [&](const at::Tensor& c) {
            return c.view({1, q.size(1), 1, q.size(3)});
        };
        fit_quantizer((q / shape(best.balance.scale)).contiguous(),
                      find_site(context_, product, nn::Operand::first), *query);
        fit_quantizer(((k - shape(best.balance.shift)) * shape(best.balance.scale)).contiguous(),
                      find_site(context_, product, nn::Operand::second), *key);
        refit_weight(site.producer);
    }

    const BalanceOptions& options_;
    const PassContext& context_;
    QuantizedModel& model_;
    std::vector<BalanceSite> sites_;
    nn::Values values_;
};

class ChannelBalance : public Pass {
  public:
    ChannelBalance(BalanceOptions options, Form form)
        : options_(std::move(options)), form_(form) {}

    Json parameters() const override {
        if (form_ == Form::neutral) return {{"form", "neutral"}};
        Json sites = Json::array();
        for (const BalanceKind kind : options_.sites) sites.push_back(balance_kinds.name(kind));
        return {{"sites", sites},
                {"alpha", options_.alphas},
                {"shift", options_.shift},
                {"power_of_two", options_.power_of_two},
                {"margin", options_.margin},
                {"rows", options_.rows},
                {"token_power", options_.tokens.power}};
    }

    Needs needs() const override {
        return {form_ == Form::active, form_ == Form::active};
    }

    // Neutral: scale one and no shift, which is to change nothing.
    Json apply(const PassContext& context, QuantizedModel& model) const override {
        Json report = Json::object();
        if (form_ == Form::neutral) return report;
        for (const std::size_t block : blocks_in_scope(context)) {
            require_untouched(context.graph.blocks()[block].name, model);
            BlockBalance(options_, context, model, block).apply(report);
        }
        return report;
    }

  private:
    // The search sees the float model's own values, so a block is balanced once.
    static void require_untouched(const std::string& block, const QuantizedModel& model) {
        const auto next = model.balanced.lower_bound(block + ".");
        if (next == model.balanced.end() || !next->first.starts_with(block + ".")) return;
        throw Error::config("a block is to be balanced twice")
            .advise("name channel_balance once in the method")
            .at("block", block);
    }

    BalanceOptions options_;
    Form form_;
};

}  // namespace

std::unique_ptr<Pass> make_channel_balance(Fields fields, Form form) {
    BalanceOptions options;
    for (const auto& word : fields.texts("sites")) {
        const auto kind = balance_kinds.find(word);
        if (!kind) {
            fields.fail("sites", Error::config("unknown kind of site")
                                     .found(word)
                                     .wanted("norm, value, activation, scores"));
        }
        options.sites.push_back(*kind);
    }
    if (!fields.has("sites")) {
        options.sites = {BalanceKind::norm, BalanceKind::value, BalanceKind::activation,
                         BalanceKind::scores};
    }
    options.alphas = fields.numbers("alpha");
    if (options.alphas.empty())
        options.alphas = {0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0};
    for (const double alpha : options.alphas) {
        if (alpha < 0 || alpha > 1)
            fields.fail("alpha", Error::config("an exponent is out of range")
                                     .found(std::to_string(alpha))
                                     .wanted("0..1"));
    }
    options.shift = fields.flag("shift", options.shift);
    options.power_of_two = fields.flag("power_of_two", options.power_of_two);
    options.margin = fields.number("margin", 0.0, 1.0, options.margin);
    options.rows = fields.integer("rows", 16, 1 << 24, options.rows);
    options.tokens.power = fields.number("token_power", 0.0, 4.0, options.tokens.power);
    fields.finish();
    return std::make_unique<ChannelBalance>(options, form);
}

}  // namespace aocq::quant
