// SPDX-License-Identifier: Apache-2.0
#include "quant/ImageSynthesis.hpp"

#include <ATen/core/grad_mode.h>

#include <cmath>
#include <numbers>

#include "nn/Autograd.hpp"
#include "quant/SampledLabels.hpp"
#include "quant/passes/Adam.hpp"

namespace aocq::quant {
namespace {

// Sizes that the authors' numbers belong to.
constexpr double reference_size = 224;  // pixels
constexpr double reference_batch = 32;  // images
constexpr double least_variation = 2500, most_variation = 3000;
constexpr Momenta momenta{0.5, 0.9};
constexpr int warmup_share = 5;  // the first fifth of a phase: 100 of 500 steps

double rate_at(int iteration, const SynthesisOptions& options) {
    const int warmup = options.iterations / warmup_share;
    if (iteration < warmup) return options.rate * (iteration + 1) / warmup;
    const double phase = static_cast<double>(iteration - warmup) / (options.iterations - warmup);
    return options.rate * 0.5 * (1.0 + std::cos(std::numbers::pi * phase));
}

// A cyclic shift along the diagonal and, half the time, a mirror image; a stream for each image.
at::Tensor shifted(const at::Tensor& images, std::vector<RandomStream>& streams,
                   std::int64_t furthest) {
    std::vector<at::Tensor> all;
    for (std::size_t i = 0; i < streams.size(); ++i) {
        const std::int64_t shift = static_cast<std::int64_t>(streams[i].below(
                                       static_cast<std::uint32_t>(2 * furthest + 1))) -
                                   furthest;
        at::Tensor one = at::roll(images[static_cast<std::int64_t>(i)], {shift, shift}, {1, 2});
        if (streams[i].below(2) == 1) one = at::flip(one, {2});
        all.push_back(one);
    }
    return at::stack(all);
}

at::Tensor bounds(const std::array<float, 3>& values, const at::Device& device) {
    return at::tensor(at::ArrayRef<float>(values.data(), values.size()))
        .view({1, 3, 1, 1})
        .to(device);
}

}  // namespace

at::Tensor total_variation(const at::Tensor& images) {
    const std::int64_t last = images.size(2) - 1;
    const auto part = [&](std::int64_t down, std::int64_t right, std::int64_t rows,
                          std::int64_t columns) {
        return images.slice(2, down, down + rows).slice(3, right, right + columns);
    };
    const auto norm = [](const at::Tensor& difference) { return difference.flatten(1).norm(2, 1); };
    return norm(part(0, 0, last + 1, last) - part(0, 1, last + 1, last)) +
           norm(part(0, 0, last, last + 1) - part(1, 0, last, last + 1)) +
           norm(part(1, 0, last, last) - part(0, 1, last, last)) +
           norm(part(0, 0, last, last) - part(1, 1, last, last));
}

ImageSynthesis::ImageSynthesis(const nn::Graph& graph, const nn::Parameters& parameters,
                               const ImageForm& form, const SynthesisOptions& options,
                               const RandomKey& key, ImageCritic critic)
    : graph_(graph),
      parameters_(parameters),
      form_(form),
      options_(options),
      key_(key),
      critic_(std::move(critic)),
      similarity_(graph) {
    const at::Device device = parameters.begin()->second.device();
    low_ = bounds(form.low, device);
    high_ = bounds(form.high, device);
}

RandomKey ImageSynthesis::key_of(std::int64_t image) const {
    return key_.child(static_cast<std::uint64_t>(image));
}

std::int64_t ImageSynthesis::label(std::int64_t image, std::int64_t classes) const {
    return RandomStream(key_of(image).child("label")).below(static_cast<std::uint32_t>(classes));
}

at::Tensor ImageSynthesis::start(std::int64_t image) const {
    RandomStream stream(key_of(image).child("start"));
    at::Tensor noise = at::empty({3, form_.size, form_.size}, at::kFloat);
    float* values = noise.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < noise.numel(); ++i)
        values[i] = static_cast<float>(stream.normal());
    return noise;
}

at::Tensor ImageSynthesis::label_loss(const at::Tensor& logits, std::int64_t first) const {
    std::vector<std::int64_t> labels;
    for (std::int64_t i = 0; i < logits.size(0); ++i)
        labels.push_back(label(first + i, logits.size(1)));
    return label_losses(at::log_softmax(logits, -1), labels);
}

// The authors' target holds for the norms over a batch of 32 images of 224 x 224. An image of
// another size is held to the same differences between neighbours: what 32 of its kind would have,
// scaled to that size. The gradient then is the batch's, too.
at::Tensor ImageSynthesis::variation_loss(const at::Tensor& images, std::int64_t first) const {
    std::vector<float> targets;
    for (std::int64_t i = 0; i < images.size(0); ++i) {
        RandomStream stream(key_of(first + i).child("variation"));
        targets.push_back(static_cast<float>(stream.uniform(least_variation, most_variation)));
    }
    const double scale =
        std::sqrt(reference_batch) * reference_size / static_cast<double>(form_.size);
    const at::Tensor wanted =
        at::tensor(at::ArrayRef<float>(targets.data(), targets.size())).to(images.device());
    return (total_variation(images) * scale - wanted).abs();
}

SynthesisLosses ImageSynthesis::losses(const at::Tensor& images, std::int64_t first) const {
    nn::RunOptions options;
    options.taps = similarity_.taps();
    options.taps.push_back(graph_.output());
    const nn::Values values = nn::run(graph_, parameters_, {{graph_.input(), images}}, options);
    const at::Tensor& logits = values.at(graph_.output());
    return {-similarity_.entropy(values, images.size(0)), label_loss(logits, first),
            variation_loss(images, first), critic_ ? critic_(images, logits) : at::Tensor()};
}

at::Tensor ImageSynthesis::weighted(const SynthesisLosses& losses) const {
    const at::Tensor sum = losses.entropy * options_.entropy_weight +
                           losses.label * options_.label_weight +
                           losses.variation * options_.variation_weight;
    return losses.critic.defined() ? sum + losses.critic : sum;
}

void ImageSynthesis::clip(at::Tensor& images) const {
    at::Tensor values = images.detach();
    values.copy_(at::minimum(at::maximum(values, low_), high_));
}

at::Tensor ImageSynthesis::make(std::int64_t first, std::int64_t last,
                                const std::function<void()>& may_stop) const {
    std::vector<at::Tensor> noise;
    std::vector<RandomStream> streams;
    for (std::int64_t image = first; image < last; ++image) {
        noise.push_back(start(image));
        streams.emplace_back(key_of(image).child("shift"));
    }
    at::Tensor images = nn::leaf(at::stack(noise).to(low_.device()));
    clip(images);
    Adam adam({images}, options_.rate, options_.iterations, RateDecay::none, momenta);
    const at::AutoGradMode gradients_on(true);
    for (const double pixels : options_.jitter) {
        const std::int64_t furthest =
            std::llround(pixels * static_cast<double>(form_.size) / reference_size);
        for (int i = 0; i < options_.iterations; ++i) {
            may_stop();
            const at::Tensor loss = weighted(losses(shifted(images, streams, furthest), first));
            const auto found = nn::gradients(loss.sum(), {images});
            const nn::NoGradients scope;
            adam.step(found, rate_at(i, options_));
            clip(images);
        }
    }
    return images.detach().to(at::kCPU).contiguous();
}

}  // namespace aocq::quant
