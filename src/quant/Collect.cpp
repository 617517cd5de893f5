// SPDX-License-Identifier: Apache-2.0
#include "quant/Collect.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "quant/kernels/Accumulate.hpp"
#include "quant/kernels/Merge.hpp"

namespace aocq::quant {
namespace {

// How an operand of this kind, made from so many images, lies in memory. Attention within windows
// has images * windows on its leading axis.
Activation activation_view(SiteKind kind, const at::Tensor& x, std::int64_t images) {
    AOCQ_EXPECT(images > 0 && x.size(0) % images == 0);
    switch (kind) {
        case SiteKind::patch_input:
        case SiteKind::patch_output:
            return Activation::picture(images, x.size(1), x.size(2), x.size(3));
        case SiteKind::attention_query:
        case SiteKind::attention_key:
        case SiteKind::attention_value:
            return Activation::heads(images, x.size(1), x.size(2), x.size(3), x.size(0) / images);
        case SiteKind::attention_probability:
        case SiteKind::attention_score:
            return Activation::probabilities(images, x.size(1), x.size(2), x.size(3),
                                             x.size(0) / images);
        default:
            break;
    }
    // [B, C] is one token; anything between the images and the channels is a token: places of a
    // sequence, of a map [B, H, W, C] or of windows [B * windows, N, C].
    return Activation::linear(images, x.numel() / (images * x.size(-1)), x.size(-1));
}

}  // namespace

class Collector::Observing : public nn::OperandPolicy {
  public:
    Observing(const nn::Graph& graph, const CollectOptions& options)
        : slots_(graph.nodes().size() * 4) {
        const auto& outputs = options.outputs;
        for (const Site& site : list_sites(graph)) {
            if (site.is_weight()) continue;
            if (site.is_output() &&
                std::find(outputs.begin(), outputs.end(), site.name) == outputs.end()) {
                continue;
            }
            slots_[index(site.node, site.operand)] = sites_.size();
            sites_.push_back({site.kind, StatisticsAccumulator(
                                             {.site = site.name,
                                              .kind = std::string(site_kinds.name(site.kind)),
                                              .key = RandomKey(options.seed).child("collect"),
                                              .samples_per_image = options.samples_per_image})});
        }
    }

    void start_batch(std::int64_t first, std::int64_t images) {
        first_ = first;
        images_ = images;
    }

    at::Tensor operand(std::size_t node, nn::Operand which, const at::Tensor& x) override {
        const auto& slot = slots_[index(node, which)];
        if (!slot) return x;
        Observed& site = sites_[*slot];
        const at::Tensor values = x.to(at::kCPU).contiguous();
        site.accumulator.add(
            std::span(values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel())),
            activation_view(site.kind, values, images_), first_);
        return x;
    }

    std::vector<store::SiteStatistics> result() const {
        std::vector<store::SiteStatistics> all;
        for (const auto& site : sites_) all.push_back(site.accumulator.result());
        return all;
    }

  private:
    struct Observed {
        SiteKind kind;
        StatisticsAccumulator accumulator;
    };
    static std::size_t index(std::size_t node, nn::Operand which) {
        return node * 4 + static_cast<std::size_t>(which);
    }
    std::vector<std::optional<std::size_t>> slots_;  // [node * 4 + operand]
    std::vector<Observed> sites_;
    std::int64_t first_ = 0, images_ = 1;  // of the batch
};

Collector::Collector(const nn::Graph& graph, const nn::Parameters& parameters,
                     CollectOptions options)
    : graph_(graph),
      parameters_(parameters),
      policy_(std::make_unique<Observing>(graph, options)) {}
Collector::~Collector() = default;

void Collector::add(const at::Tensor& images, std::int64_t first) {
    policy_->start_batch(first, images.size(0));
    nn::forward(graph_, parameters_, images, policy_.get());
}

std::vector<store::SiteStatistics> Collector::result() const {
    return policy_->result();
}

std::vector<store::SiteStatistics> merge_chunks(
    const std::vector<std::vector<store::SiteStatistics>>& chunks) {
    AOCQ_EXPECT(!chunks.empty());
    std::vector<store::SiteStatistics> merged = chunks.front();
    for (std::size_t i = 1; i < chunks.size(); ++i) {
        AOCQ_EXPECT(chunks[i].size() == merged.size());
        for (std::size_t site = 0; site < merged.size(); ++site) {
            merged[site] = merge(merged[site], chunks[i][site]);
        }
    }
    return merged;
}

}  // namespace aocq::quant
