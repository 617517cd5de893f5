// SPDX-License-Identifier: Apache-2.0
#include "quant/JoinParts.hpp"

#include <ATen/ATen.h>

#include <set>

#include "core/Error.hpp"

namespace aocq::quant {
namespace {

bool is_same(const Quantizer& a, const Quantizer& b) {
    return a.id == b.id && a.scheme == b.scheme && a.grids == b.grids && a.fitted == b.fitted;
}

class Joiner {
  public:
    explicit Joiner(const QuantizedModel& start) : start_(start), joined_(start) {}

    void add(const QuantizedModel& part) {
        add_quantizers(part.quantization);
        add_edits(part.edits);
        add_parameters(start_.balanced, part.balanced, joined_.balanced, "balanced ");
        add_parameters(start_.changed, part.changed, joined_.changed, "changed ");
        for (std::size_t i = start_.report.size(); i < part.report.size(); ++i) {
            joined_.report.push_back(part.report[i]);
        }
    }
    QuantizedModel take() { return std::move(joined_); }

  private:
    void claim(const std::string& what) {
        if (taken_.insert(what).second) return;
        throw Error::internal("two steps that ran at the same time changed the same thing")
            .at("what", what);
    }

    void add_quantizers(const Quantization& part) {
        AOCQ_EXPECT(part.assignments() == start_.quantization.assignments());
        for (const auto& [site, index] : part.assignments()) {
            const Quantizer& now = part.quantizers()[index];
            if (is_same(now, start_.quantization.quantizers()[index])) continue;
            // A quantizer that sites share comes up once for each.
            if (!seen_.insert({index, &part}).second) continue;
            claim("quantizer " + now.id);
            *joined_.quantization.find(site) = now;
        }
    }

    void add_edits(const std::vector<nn::GraphEdit>& edits) {
        for (std::size_t i = start_.edits.size(); i < edits.size(); ++i) {
            claim("edit " + edits[i].node);
            joined_.edits.push_back(edits[i]);
        }
    }

    void add_parameters(const nn::Parameters& before, const nn::Parameters& now,
                        nn::Parameters& all, const std::string& what) {
        for (const auto& [name, tensor] : now) {
            const auto old = before.find(name);
            if (old != before.end() && at::equal(old->second, tensor)) continue;
            claim(what + name);
            all[name] = tensor;
        }
    }

    const QuantizedModel& start_;
    QuantizedModel joined_;
    std::set<std::string> taken_;
    std::set<std::pair<std::size_t, const Quantization*>> seen_;
};

}  // namespace

QuantizedModel join_parts(const QuantizedModel& start, const std::vector<QuantizedModel>& parts) {
    Joiner joiner(start);
    for (const QuantizedModel& part : parts) {
        AOCQ_EXPECT(part.edits.size() >= start.edits.size());
        AOCQ_EXPECT(part.report.size() >= start.report.size());
        joiner.add(part);
    }
    return joiner.take();
}

}  // namespace aocq::quant
