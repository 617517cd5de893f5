// SPDX-License-Identifier: Apache-2.0
#include "quant/Recipe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "core/Log.hpp"
#include "core/Text.hpp"
#include "quant/passes/ActivationStep.hpp"
#include "quant/passes/AdversarialTuning.hpp"
#include "quant/passes/BiasCorrection.hpp"
#include "quant/passes/BlockReconstruction.hpp"
#include "quant/passes/ChannelBalance.hpp"
#include "quant/passes/Fit.hpp"
#include "quant/passes/LayerDistillation.hpp"
#include "quant/passes/MixedPrecision.hpp"
#include "quant/passes/PowerOfTwoFactor.hpp"
#include "quant/passes/Reparameterize.hpp"
#include "quant/passes/ScaleSearch.hpp"
#include "quant/passes/SequentialFit.hpp"
#include "quant/passes/WeightRounding.hpp"

namespace aocq::quant {
namespace {

// The explicit table of passes: a new pass is one more row.
struct PassRow {
    std::string_view name;
    std::unique_ptr<Pass> (*make)(Fields fields, Form form);
};
constexpr PassRow pass_table[] = {
    {"fit", &make_fit},
    {"sequential_fit", &make_sequential_fit},
    {"reparameterize", &make_reparameterize},
    {"power_of_two_factor", &make_power_of_two_factor},
    {"channel_balance", &make_channel_balance},
    {"activation_step", &make_activation_step},
    {"weight_rounding", &make_weight_rounding},
    {"layer_distillation", &make_layer_distillation},
    {"scale_search", &make_scale_search},
    {"bias_correction", &make_bias_correction},
    {"mixed_precision", &make_mixed_precision},
    {"block_reconstruction", &make_block_reconstruction},
    {"adversarial_tuning", &make_adversarial_tuning},
};

enum class ForEach { block, linear };
constexpr EnumTable<ForEach, 2> for_each_words{
    {{{ForEach::block, "block"}, {ForEach::linear, "linear"}}}};

std::vector<std::string> scopes(const nn::Graph& graph, ForEach each) {
    std::vector<std::string> names;
    if (each == ForEach::block) {
        for (const auto& block : graph.blocks()) names.push_back(block.name);
    } else {
        for (const auto& node : graph.nodes()) {
            if (node.role == nn::Role::linear || node.role == nn::Role::head)
                names.push_back(node.name);
        }
    }
    return names;
}

// Which levels are on, and which ones the passes name.
class Levels {
  public:
    explicit Levels(Fields& fields) : all_(!fields.has("levels")), on_(fields.texts("levels")) {}

    Form form_of(const std::string& level) {
        if (level.empty()) return Form::active;
        known_.push_back(level);
        const bool listed = std::find(on_.begin(), on_.end(), level) != on_.end();
        return all_ || listed ? Form::active : Form::neutral;
    }

    // A level that no pass belongs to would be switched in vain.
    void require_known(const Fields& fields) const {
        for (const auto& level : on_) {
            if (std::find(known_.begin(), known_.end(), level) != known_.end()) continue;
            Error error = Error::config("no pass of the method belongs to this level");
            if (const auto guess = nearest(level, known_); !guess.empty())
                error.advise(fmt::format("did you mean '{}'?", guess));
            fields.fail("levels", error.found(level).wanted(join(known_, ", ")));
        }
    }

  private:
    bool all_;
    std::vector<std::string> on_, known_;
};

class RecipeReader {
  public:
    RecipeReader(Fields& fields, const nn::Graph& graph)
        : fields_(fields), graph_(graph), levels_(fields) {}

    std::vector<Stage> read() {
        const Json list = fields_.value("passes");
        if (!list.is_array() || list.empty()) {
            fields_.fail("passes",
                         Error::config("a method needs a list of passes")
                             .wanted("passes = [\"fit\", ...] out of " + join(pass_names(), ", ")));
        }
        std::vector<Stage> stages;
        for (std::size_t i = 0; i < list.size(); ++i)
            stages.push_back(entry(list[i], fmt::format("passes[{}]", i)));
        levels_.require_known(fields_);
        return stages;
    }

  private:
    Stage entry(const Json& item, const std::string& key) {
        if (item.is_string()) {
            const auto name = item.get<std::string>();
            return {name, {step(name, key, "")}};
        }
        Fields group(item, fields_.path_of(key));
        const ForEach each = group.choice<ForEach>("for_each", for_each_words);
        const std::vector<std::string> names = group.texts("passes");
        group.finish();
        Stage stage{join(names, " + "), {}};
        for (const auto& scope : scopes(graph_, each)) {
            for (const auto& name : names) stage.steps.push_back(step(name, key, scope));
        }
        return stage;
    }

    Step step(const std::string& name, const std::string& key, const std::string& scope) {
        const auto row =
            std::find_if(std::begin(pass_table), std::end(pass_table),
                         [&](const PassRow& candidate) { return candidate.name == name; });
        if (row == std::end(pass_table)) {
            Error error = Error::config("unknown pass");
            if (const auto guess = nearest(name, pass_names()); !guess.empty()) {
                error.advise(fmt::format("did you mean '{}'?", guess));
            }
            fields_.fail(key, error.found(name).wanted("one of " + join(pass_names(), ", ")));
        }
        Fields parameters = fields_.object(name);
        const Form form = levels_.form_of(parameters.text("level", ""));
        return {name, scope, std::shared_ptr<const Pass>(row->make(std::move(parameters), form))};
    }

    Fields& fields_;
    const nn::Graph& graph_;
    Levels levels_;
};

Needs join_needs(Needs a, Needs b) {
    return {a.images || b.images, a.sensitivity || b.sensitivity};
}

}  // namespace

Needs Stage::needs() const {
    Needs all;
    for (const Step& step : steps) all = join_needs(all, step.run->needs());
    return all;
}

bool Stage::has_independent_steps() const {
    std::set<std::string> scopes;
    for (const Step& step : steps) {
        const bool alone = !step.scope.empty() && scopes.insert(step.scope).second;
        if (!alone || !step.run->has_independent_blocks()) return false;
    }
    return steps.size() > 1;
}

Json Stage::describe() const {
    Json list = Json::array();
    for (const Step& step : steps) {
        list.push_back(
            {{"pass", step.pass}, {"scope", step.scope}, {"parameters", step.run->parameters()}});
    }
    return list;
}

Needs Recipe::needs() const {
    Needs all;
    for (const Stage& stage : stages) all = join_needs(all, stage.needs());
    return all;
}

void run_step(const Step& step, PassContext context, QuantizedModel& model) {
    context.scope = step.scope;
    const Json sites = step.run->apply(context, model);
    model.report.push_back({{"pass", step.pass}, {"scope", step.scope}, {"sites", sites}});
}

void run_steps(const Stage& stage, std::size_t first, PassContext context, QuantizedModel& model,
               const std::function<void(std::size_t)>& done) {
    std::map<std::string, double> seconds;  // for the log only
    for (std::size_t i = first; i < stage.steps.size(); ++i) {
        const Step& step = stage.steps[i];
        const auto start = std::chrono::steady_clock::now();
        context.may_stop();
        run_step(step, context, model);
        seconds[step.pass] +=
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        done(i + 1);
    }
    for (const auto& [pass, time] : seconds) log_debug("pass {} took {:.1f} s", pass, time);
}

std::vector<std::string> pass_names() {
    std::vector<std::string> names;
    for (const auto& row : pass_table) names.emplace_back(row.name);
    return names;
}

Recipe recipe_from(Fields fields, const nn::Graph& graph) {
    Recipe recipe;
    recipe.name = fields.text("name", "method");
    fields.text("description", "");
    recipe.stages = RecipeReader(fields, graph).read();
    for (Fields& rule : fields.objects("rule")) recipe.rules.push_back(rule_from(rule));
    fields.finish();
    return recipe;
}

}  // namespace aocq::quant
