// SPDX-License-Identifier: Apache-2.0
#include "quant/Recipe.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/Text.hpp"
#include "quant/passes/Fit.hpp"

namespace aocq::quant {
namespace {

// The explicit table of passes: a new pass is one more row.
struct PassRow {
    std::string_view name;
    std::unique_ptr<Pass> (*make)(Fields fields);
};
constexpr PassRow pass_table[] = {
    {"fit", &make_fit},
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

class RecipeReader {
  public:
    RecipeReader(Fields& fields, const nn::Graph& graph) : fields_(fields), graph_(graph) {}

    std::vector<Stage> read() {
        const Json list = fields_.value("passes");
        if (!list.is_array() || list.empty()) {
            fields_.fail("passes",
                         Error::config("a method needs a list of passes")
                             .wanted("passes = [\"fit\", ...] out of " + join(pass_names(), ", ")));
        }
        for (std::size_t i = 0; i < list.size(); ++i) entry(list[i], fmt::format("passes[{}]", i));
        return std::move(stages_);
    }

  private:
    void entry(const Json& item, const std::string& key) {
        if (item.is_string()) return add(item.get<std::string>(), key, "");
        Fields group(item, fields_.path_of(key));
        const ForEach each = group.choice<ForEach>("for_each", for_each_words);
        const std::vector<std::string> names = group.texts("passes");
        group.finish();
        for (const auto& scope : scopes(graph_, each)) {
            for (const auto& name : names) add(name, key, scope);
        }
    }

    void add(const std::string& name, const std::string& key, const std::string& scope) {
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
        stages_.push_back(
            {name, scope, std::shared_ptr<const Pass>(row->make(fields_.object(name)))});
    }

    Fields& fields_;
    const nn::Graph& graph_;
    std::vector<Stage> stages_;
};

}  // namespace

std::vector<std::string> pass_names() {
    std::vector<std::string> names;
    for (const auto& row : pass_table) names.emplace_back(row.name);
    return names;
}

bool in_scope(const PassContext& context, const Site& site) {
    if (context.scope.empty()) return true;
    const std::string& node = context.graph.nodes()[site.node].name;
    return node == context.scope || node.starts_with(context.scope + ".");
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
