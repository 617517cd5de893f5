// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/TokenWeights.hpp"

#include <algorithm>
#include <variant>

namespace aocq::quant {
namespace {

constexpr EnumTable<TokenSource, 2> token_sources{
    {{{TokenSource::gradient, "gradient"}, {TokenSource::class_token, "class"}}}};

// The head reads the first token.
bool has_class_token(const nn::Graph& graph) {
    return std::any_of(graph.nodes().begin(), graph.nodes().end(), [](const nn::Node& node) {
        const auto* select = std::get_if<nn::SelectToken>(&node.op);
        return select && select->index == 0;
    });
}

}  // namespace

TokenWeightOptions read_token_weights(Fields& fields) {
    TokenWeightOptions options;
    options.source = fields.choice<TokenSource>("tokens", token_sources, options.source);
    options.power = fields.number("token_power", 0.0, 4.0, options.power);
    return options;
}

void note_token_weights(const TokenWeightOptions& options, Json& parameters) {
    parameters["tokens"] = token_sources.name(options.source);
    parameters["token_power"] = options.power;
}

at::Tensor weights_of_tokens(const PassContext& context, const std::string& name,
                             const TokenWeightOptions& options) {
    if (options.source == TokenSource::class_token && !has_class_token(context.graph)) {
        throw Error::config("the model has no class token that could count more than others")
            .advise("use tokens = \"gradient\"")
            .at("key", "tokens")
            .found("class");
    }
    return token_weights(context.sensitivity->nodes.at(name).token_norm, options)
        .to(device_of(context));
}

}  // namespace aocq::quant
