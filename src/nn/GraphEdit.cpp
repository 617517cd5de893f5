// SPDX-License-Identifier: Apache-2.0
#include "nn/GraphEdit.hpp"

#include <algorithm>

namespace aocq::nn {
namespace {

std::string shift_of(const GraphEdit& edit) {
    return edit.node + ".balance_shift";
}
std::string scale_of(const GraphEdit& edit) {
    return edit.node + ".balance_scale";
}
std::string bias_of(const GraphEdit& edit) {
    return edit.node + ".bias";
}

}  // namespace

class GraphEditor {
  public:
    explicit GraphEditor(const Graph& graph) : graph_(graph) {}

    void apply(const GraphEdit& edit) {
        const auto found = std::find_if(graph_.nodes_.begin(), graph_.nodes_.end(),
                                        [&](const Node& n) { return n.name == edit.node; });
        if (found == graph_.nodes_.end()) refuse(edit, "the graph has no such node");
        if (edit.kind == EditKind::balance) {
            auto* gelu = std::get_if<Gelu>(&found->op);
            if (!gelu || !gelu->scale.empty()) refuse(edit, "the node is no plain activation");
            gelu->shift = shift_of(edit);
            gelu->scale = scale_of(edit);
            add(gelu->shift, edit.channels);
            add(gelu->scale, edit.channels);
        } else {
            auto* linear = std::get_if<Linear>(&found->op);
            if (!linear || !linear->bias.empty()) refuse(edit, "the node lacks no bias");
            linear->bias = bias_of(edit);
            add(linear->bias, edit.channels);
        }
    }

    Graph take() { return std::move(graph_); }

  private:
    [[noreturn]] static void refuse(const GraphEdit& edit, const char* reason) {
        throw Error::input("an edit does not fit the graph").because(reason).at("node", edit.node);
    }
    void add(const std::string& name, std::int64_t channels) {
        graph_.parameters_.push_back({name, {channels}});
    }

    Graph graph_;
};

Graph edited(const Graph& graph, std::span<const GraphEdit> edits) {
    GraphEditor editor(graph);
    for (const GraphEdit& edit : edits) editor.apply(edit);
    return editor.take();
}

Parameters neutral_parameters(std::span<const GraphEdit> edits) {
    Parameters added;
    for (const GraphEdit& edit : edits) {
        if (edit.kind == EditKind::bias) {
            added[bias_of(edit)] = at::zeros({edit.channels});
        } else {
            added[shift_of(edit)] = at::zeros({edit.channels});
            added[scale_of(edit)] = at::ones({edit.channels});
        }
    }
    return added;
}

}  // namespace aocq::nn
