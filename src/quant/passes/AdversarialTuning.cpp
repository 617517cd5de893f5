// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/AdversarialTuning.hpp"

#include <algorithm>

#include "nn/Autograd.hpp"
#include "quant/ImageSynthesis.hpp"
#include "quant/passes/StudentTuning.hpp"

namespace aocq::quant {
namespace {

struct TuningOptions {
    int rounds = 4;
    std::int64_t images = 8;
    double discrepancy = 1.0;
    SynthesisOptions synthesis;
    StudentOptions student;
};

// The size of the model's images and the range of each channel, as the calibration images show
// them: those that were synthesized, and real ones just as well, reach the ends.
ImageForm form_of(const PassContext& context) {
    ImageForm form{0, {}, {}};
    context.walk->batches()([&](const at::Tensor& images) {
        const at::Tensor values = images.transpose(0, 1).reshape({3, -1}).to(at::kCPU);
        for (std::size_t c = 0; c < form.low.size(); ++c) {
            const at::Tensor channel = values[static_cast<std::int64_t>(c)];
            const auto low = channel.min().item<float>(), high = channel.max().item<float>();
            form.low[c] = form.size == 0 ? low : std::min(form.low[c], low);
            form.high[c] = form.size == 0 ? high : std::max(form.high[c], high);
        }
        form.size = images.size(2);
    });
    return form;
}

class AdversarialTuning : public Pass {
  public:
    explicit AdversarialTuning(TuningOptions options) : options_(options) {}

    Json parameters() const override {
        return {{"rounds", options_.rounds},
                {"images", options_.images},
                {"discrepancy", options_.discrepancy},
                {"synthesis_iterations", options_.synthesis.iterations},
                {"synthesis_rate", options_.synthesis.rate},
                {"iterations", options_.student.iterations},
                {"batch", options_.student.batch},
                {"rate", options_.student.rate},
                {"step_rate", options_.student.step_rate}};
    }
    Needs needs() const override { return {.images = true}; }

    Json apply(const PassContext& context, QuantizedModel& model) const override {
        StudentTuning student(options_.student, context, model);
        const ImageForm form = form_of(context);
        const Batches& judge = context.walk->batches();
        const double before = student.distance_on(judge);
        const RandomKey key = RandomKey(context.seed).child("adversarial_tuning");
        const ImageSynthesis synthesis(
            student.graph(), student.teacher(), form, options_.synthesis, key.child("images"),
            [&](const at::Tensor& images, const at::Tensor& logits) {
                return student.distance(images, logits) * -options_.discrepancy;
            });
        Json rounds = Json::array();
        QuantizedModel best = model;
        double after = before;
        for (int round = 0; round < options_.rounds; ++round) {
            // Other images in every round: their numbers go on.
            const std::int64_t first = round * options_.images;
            const at::Tensor images =
                synthesis.make(first, first + options_.images, context.may_stop)
                    .to(student.teacher().begin()->second.device());
            student.learn(images, key.child(static_cast<std::uint64_t>(round)), context.may_stop);
            const double now = student.distance_on(judge);
            rounds.push_back(now);
            if (now >= after) continue;
            after = now;
            student.take_over(best);
        }
        const bool accepted = after < before;
        if (accepted) model = std::move(best);
        return {
            {"logits",
             {{"before", before}, {"after", after}, {"accepted", accepted}, {"rounds", rounds}}}};
    }

  private:
    TuningOptions options_;
};

}  // namespace

std::unique_ptr<Pass> make_adversarial_tuning(Fields fields, Form form) {
    if (form == Form::neutral) {
        fields.fail("level", Error::config("this pass has no neutral form")
                                 .advise("leave it out of the list of passes instead"));
    }
    TuningOptions options;
    options.rounds = static_cast<int>(fields.integer("rounds", 1, 10'000, options.rounds));
    options.images = fields.integer("images", 1, 1 << 16, options.images);
    options.discrepancy = fields.number("discrepancy", 0, 1e6, options.discrepancy);
    options.synthesis.label_weight = 0;
    options.synthesis.iterations =
        static_cast<int>(fields.integer("synthesis_iterations", 1, 1'000'000, 20));
    options.synthesis.rate = fields.number("synthesis_rate", 1e-6, 1e3, options.synthesis.rate);
    options.synthesis.at_once = 1;
    StudentOptions& student = options.student;
    student.iterations =
        static_cast<int>(fields.integer("iterations", 1, 1'000'000, student.iterations));
    student.batch = fields.integer("batch", 1, 1 << 16, student.batch);
    student.rate = fields.number("rate", 0.0, 10.0, student.rate);
    student.step_rate = fields.number("step_rate", 0.0, 10.0, student.step_rate);
    fields.finish();
    return std::make_unique<AdversarialTuning>(options);
}

}  // namespace aocq::quant
