// SPDX-License-Identifier: Apache-2.0
#include "quant/SynthesisOptions.hpp"

#include <algorithm>

#include "core/Error.hpp"

namespace aocq::quant {
namespace {

constexpr double largest_jitter = 112;  // half of an image of 224
constexpr double largest_weight = 1e6;

std::array<double, 2> jitter_from(Fields& fields, const std::array<double, 2>& fallback) {
    const auto given = fields.numbers("jitter");
    if (given.empty()) return fallback;
    const bool valid = std::all_of(given.begin(), given.end(), [](double pixels) {
        return pixels >= 0 && pixels <= largest_jitter;
    });
    if (given.size() != fallback.size() || !valid) {
        fields.fail("jitter", Error::config("not a shift for each of the two phases")
                                  .found(fields.value("jitter").dump())
                                  .wanted("two numbers of 0 to 112, like [15, 30]"));
    }
    return {given[0], given[1]};
}

}  // namespace

SynthesisOptions synthesis_options_from(Fields fields) {
    SynthesisOptions options;
    options.iterations =
        static_cast<int>(fields.integer("iterations", 0, 1'000'000, options.iterations));
    options.rate = fields.number("rate", 1e-6, 1e3, options.rate);
    options.jitter = jitter_from(fields, options.jitter);
    options.entropy_weight =
        fields.number("entropy_weight", 0, largest_weight, options.entropy_weight);
    options.label_weight = fields.number("label_weight", 0, largest_weight, options.label_weight);
    options.variation_weight =
        fields.number("variation_weight", 0, largest_weight, options.variation_weight);
    options.at_once = static_cast<int>(fields.integer("at_once", 1, 4096, options.at_once));
    fields.finish();
    return options;
}

Json to_json(const SynthesisOptions& options) {
    return {{"iterations", options.iterations},
            {"rate", options.rate},
            {"jitter", options.jitter},
            {"entropy_weight", options.entropy_weight},
            {"label_weight", options.label_weight},
            {"variation_weight", options.variation_weight},
            {"at_once", options.at_once}};
}

}  // namespace aocq::quant
