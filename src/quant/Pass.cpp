// SPDX-License-Identifier: Apache-2.0
#include "quant/Pass.hpp"

#include <algorithm>

namespace aocq::quant {

bool in_scope(const PassContext& context, const Site& site) {
    if (context.scope.empty()) return true;
    const std::string& node = context.graph.nodes()[site.node].name;
    return node == context.scope || node.starts_with(context.scope + ".");
}

std::vector<std::size_t> blocks_in_scope(const PassContext& context) {
    std::vector<std::size_t> found;
    const auto& blocks = context.graph.blocks();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (context.scope.empty() || blocks[i].name == context.scope) found.push_back(i);
    }
    if (found.empty()) {
        throw Error::config("this pass works on whole blocks")
            .advise("put it into for_each = \"block\", or outside any for_each")
            .at("scope", context.scope);
    }
    return found;
}

at::Device device_of(const PassContext& context) {
    AOCQ_EXPECT(!context.parameters.empty());
    return context.parameters.begin()->second.device();
}

at::Tensor find_parameter(const PassContext& context, const QuantizedModel& model,
                          const std::string& name) {
    const at::Device device = device_of(context);
    for (const nn::Parameters* values : {&model.changed, &model.balanced, &context.parameters}) {
        if (const auto found = values->find(name); found != values->end())
            return found->second.to(device);
    }
    const nn::Parameters added = nn::neutral_parameters(model.edits);
    const auto found = added.find(name);
    AOCQ_EXPECT(found != added.end());
    return found->second.to(device);
}

const Site& find_site(const PassContext& context, std::size_t node, nn::Operand operand) {
    const auto found = std::find_if(context.sites.begin(), context.sites.end(), [&](const Site& s) {
        return s.node == node && s.operand == operand;
    });
    AOCQ_EXPECT(found != context.sites.end());
    return *found;
}

}  // namespace aocq::quant
