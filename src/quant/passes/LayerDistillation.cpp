// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/LayerDistillation.hpp"

#include "quant/passes/BlockDistillation.hpp"
#include "quant/passes/ObserverFields.hpp"

namespace aocq::quant {
namespace {

class LayerDistillation : public Pass {
  public:
    explicit LayerDistillation(DistillationOptions options) : options_(options) {}

    Json parameters() const override {
        return {{"iterations", options_.iterations},
                {"batch", options_.batch},
                {"rate", options_.rate},
                {"weights", describe(options_.weights)}};
    }
    Needs needs() const override { return {.images = true}; }

    Json apply(const PassContext& context, QuantizedModel& model) const override {
        Json report = Json::object();
        for (const std::size_t block : blocks_in_scope(context)) {
            Json entry = BlockDistillation(options_, context, model, block).apply();
            if (!entry.is_null()) report[context.graph.blocks()[block].name] = std::move(entry);
        }
        return report;
    }

  private:
    DistillationOptions options_;
};

}  // namespace

std::unique_ptr<Pass> make_layer_distillation(Fields fields, Form form) {
    if (form == Form::neutral) {
        fields.fail("level", Error::config("this pass has no neutral form")
                                 .advise("leave it out of the list of passes instead"));
    }
    DistillationOptions options;
    options.iterations =
        static_cast<int>(fields.integer("iterations", 1, 1'000'000, options.iterations));
    options.batch = fields.integer("batch", 1, 1 << 16, options.batch);
    options.rate = fields.number("rate", 0.0, 10.0, options.rate);
    options.weights = raw_observer_from(fields, Observer::minmax);
    fields.finish();
    return std::make_unique<LayerDistillation>(options);
}

}  // namespace aocq::quant
