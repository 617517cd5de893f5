// SPDX-License-Identifier: Apache-2.0
// Which site is quantized, how wide and how: rules over name and kind, the last match wins,
// property by property.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/Fields.hpp"
#include "quant/Sites.hpp"
#include "quant/kernels/Grid.hpp"
#include "quant/kernels/LogQuant.hpp"

namespace aocq::quant {

enum class Granularity { tensor, channel, head, group, token, part };
inline constexpr EnumTable<Granularity, 6> granularities{{{
    {Granularity::tensor, "tensor"},
    {Granularity::channel, "channel"},
    {Granularity::head, "head"},
    {Granularity::group, "group"},
    {Granularity::token, "token"},
    {Granularity::part, "part"},
}}};

enum class Mode { fixed, dynamic };
inline constexpr EnumTable<Mode, 2> modes{{{
    {Mode::fixed, "static"},
    {Mode::dynamic, "dynamic"},
}}};

// Uniform grids; powers of two (of the square root of two) for attention probabilities; two uniform
// grids side by side (kernels/TwinQuant.hpp) for them and for what GELU makes. log_int are powers
// of two that an integer softmax makes from quantized scores (kernels/LogIntSoftmax.hpp); its one
// grid holds the step of these scores.
enum class Codec { uniform, log2, log_sqrt2, log_int, twin, twin_as_released };
inline constexpr EnumTable<Codec, 6> codecs{{{
    {Codec::uniform, "uniform"},
    {Codec::log2, "log2"},
    {Codec::log_sqrt2, "log_sqrt2"},
    {Codec::log_int, "log_int"},
    {Codec::twin, "twin"},
    {Codec::twin_as_released, "twin_as_released"},
}}};
constexpr bool is_twin(Codec codec) {
    return codec == Codec::twin || codec == Codec::twin_as_released;
}
constexpr bool is_log(Codec codec) {
    return codec == Codec::log2 || codec == Codec::log_sqrt2 || codec == Codec::log_int;
}

struct SiteScheme {
    bool quantized = false;
    Codec codec = Codec::uniform;
    int bits = 8;
    Symmetry symmetry = Symmetry::asymmetric;
    Granularity granularity = Granularity::tensor;
    // Granularity::group: input values per group. Granularity::part: parts that a weight's outputs
    // are cut into (three for q, k and v).
    std::int64_t group = 0;
    Mode mode = Mode::fixed;
    LogZero zero = LogZero::top;  // of logarithmic codecs: which codes are zero
    bool operator==(const SiteScheme&) const = default;
};

// The widths of an experiment; 32 leaves the whole class float.
struct Widths {
    int weights = 32;
    int activations = 32;
};

struct Rule {
    std::string path;                       // key path of the rule, for messages
    std::vector<std::string> names, kinds;  // patterns with * and ?; empty: any
    std::optional<int>
        at_most;  // only sites whose width, as the rules before left it, is no larger
    std::optional<Codec> codec;
    std::optional<bool> quantize;
    std::optional<int> bits;  // fixed width; unset: the experiment's width of the class
    std::optional<Symmetry> symmetry;
    std::optional<Granularity> granularity;
    std::optional<std::int64_t> group;  // or the number of parts
    std::optional<Mode> mode;
    std::optional<LogZero> zero;
};

// One [[rule]] table. Keys: name, kind, at_most, codec, quantize, bits, symmetry, granularity,
// group, parts, mode, zero.
Rule rule_from(Fields fields);

// Default before any rule: every operand quantized, every output float (a rule with `quantize =
// true` changes that); weights symmetric per output channel, activations asymmetric per tensor and
// static. A rule that matches no site, and a combination that makes no sense, is an Error(config).
std::vector<SiteScheme> resolve_scheme(const std::vector<Site>& sites,
                                       const std::vector<Rule>& rules, Widths widths);

// Names of the outputs that are quantized by grids from statistics, in order of the sites.
std::vector<std::string> fitted_outputs(const std::vector<Site>& sites,
                                        const std::vector<SiteScheme>& schemes);

Json to_json(const SiteScheme& scheme);
SiteScheme scheme_from_json(Fields fields);

}  // namespace aocq::quant
