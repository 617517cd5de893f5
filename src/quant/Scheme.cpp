// SPDX-License-Identifier: Apache-2.0
#include "quant/Scheme.hpp"

#include <algorithm>

#include "core/Text.hpp"

namespace aocq::quant {
namespace {

bool matches(const std::vector<std::string>& patterns, std::string_view text) {
    return patterns.empty() ||
           std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& p) { return glob_match(p, text); });
}

SiteScheme default_scheme(const Site& site, Widths widths) {
    SiteScheme scheme;
    scheme.bits = site.is_weight() ? widths.weights : widths.activations;
    scheme.quantized = scheme.bits != 32 && !site.is_output();
    scheme.symmetry = site.is_weight() ? Symmetry::symmetric : Symmetry::asymmetric;
    scheme.granularity = site.is_weight() ? Granularity::channel : Granularity::tensor;
    return scheme;
}

void apply(const Rule& rule, bool class_is_float, SiteScheme& scheme) {
    // A rule cannot quantize what the experiment leaves float: W4A32 stays weight-only whatever the
    // rules say.
    if (rule.quantize) scheme.quantized = *rule.quantize && !class_is_float;
    if (rule.bits && !class_is_float) scheme.bits = *rule.bits;
    if (rule.codec) scheme.codec = *rule.codec;
    if (rule.symmetry) scheme.symmetry = *rule.symmetry;
    if (rule.granularity) scheme.granularity = *rule.granularity;
    if (rule.group) scheme.group = *rule.group;
    if (rule.mode) scheme.mode = *rule.mode;
    if (rule.zero) scheme.zero = *rule.zero;
}

bool is_attention(SiteKind kind) {
    return kind == SiteKind::attention_query || kind == SiteKind::attention_key ||
           kind == SiteKind::attention_probability || kind == SiteKind::attention_value ||
           kind == SiteKind::attention_score;
}

// "" where the codec suits the site.
std::string objection_to_codec(const Site& site, const SiteScheme& scheme) {
    if (scheme.codec == Codec::uniform) return "";
    const bool probability = site.kind == SiteKind::attention_probability;
    if (is_log(scheme.codec) && !probability)
        return "a logarithmic codec has no negative values: attention.probability only";
    if (scheme.codec == Codec::twin && !probability && site.kind != SiteKind::linear_input)
        return "twin grids are for attention.probability and for a linear.input behind GELU";
    if (scheme.codec == Codec::twin_as_released && !probability)
        return "the released code differs from twin at attention.probability only";
    if (scheme.granularity != Granularity::tensor || scheme.mode != Mode::fixed) {
        return is_log(scheme.codec) ? "a logarithmic codec is static and per tensor"
                                    : "twin grids are static and per tensor";
    }
    return "";
}

// "" where the combination makes sense.
std::string objection(const Site& site, const SiteScheme& scheme) {
    if (std::string reason = objection_to_codec(site, scheme); !reason.empty()) return reason;
    if (site.is_weight()) {
        if (scheme.granularity == Granularity::head || scheme.granularity == Granularity::token) {
            return "a weight has neither heads nor tokens";
        }
        if (scheme.mode == Mode::dynamic) return "a weight is known beforehand: nothing is dynamic";
        if (scheme.granularity == Granularity::group && scheme.group <= 0)
            return "a group size is missing";
        if (scheme.granularity == Granularity::part && scheme.group <= 0)
            return "the number of parts is missing";
        return "";
    }
    if (scheme.granularity == Granularity::part) return "parts are for weights";
    if (scheme.granularity == Granularity::group) return "groups are for weights";
    if (scheme.granularity == Granularity::head && !is_attention(site.kind))
        return "only attention operands have heads";
    if (scheme.granularity == Granularity::channel && is_attention(site.kind)) {
        return "attention operands are quantized per tensor, head or token";
    }
    if ((scheme.granularity == Granularity::token) != (scheme.mode == Mode::dynamic)) {
        return "granularity = \"token\" and mode = \"dynamic\" go together";
    }
    return "";
}

bool has_one_static_grid(const SiteScheme& scheme) {
    return scheme.quantized && scheme.codec == Codec::uniform && scheme.mode == Mode::fixed &&
           scheme.granularity == Granularity::tensor;
}

// An integer softmax counts in steps of its scores.
std::string objection_to_scores(const Site& site, const SiteScheme& scheme,
                                const std::vector<Site>& sites,
                                const std::vector<SiteScheme>& schemes) {
    if (scheme.codec != Codec::log_int) return "";
    if (!site.softmax) return "an integer softmax needs a softmax that makes the probabilities";
    const auto scores = std::find_if(sites.begin(), sites.end(),
                                     [&](const Site& s) { return s.name == site.softmax->scores; });
    if (scores != sites.end() &&
        has_one_static_grid(schemes[static_cast<std::size_t>(scores - sites.begin())])) {
        return "";
    }
    return "an integer softmax needs scores on one static grid: set quantize = true for "
           "attention.score";
}

}  // namespace

Rule rule_from(Fields fields) {
    Rule rule;
    rule.path = fields.path();
    rule.names = fields.texts("name");
    rule.kinds = fields.texts("kind");
    if (fields.has("at_most")) rule.at_most = static_cast<int>(fields.integer("at_most", 2, 8));
    if (fields.has("codec")) rule.codec = fields.choice<Codec>("codec", codecs);
    if (fields.has("quantize")) rule.quantize = fields.flag("quantize", true);
    if (fields.has("bits")) rule.bits = static_cast<int>(fields.integer("bits", 2, 8));
    if (fields.has("symmetry")) rule.symmetry = fields.choice<Symmetry>("symmetry", symmetry_names);
    if (fields.has("granularity"))
        rule.granularity = fields.choice<Granularity>("granularity", granularities);
    if (fields.has("group")) rule.group = fields.integer("group", 1, 1 << 20);
    if (fields.has("parts")) {
        if (rule.group) fields.fail("parts", Error::config("a rule has either groups or parts"));
        rule.group = fields.integer("parts", 1, 1 << 20);
    }
    if (fields.has("mode")) rule.mode = fields.choice<Mode>("mode", modes);
    if (fields.has("zero")) rule.zero = fields.choice<LogZero>("zero", log_zero_names);
    fields.finish();
    return rule;
}

std::vector<SiteScheme> resolve_scheme(const std::vector<Site>& sites,
                                       const std::vector<Rule>& rules, Widths widths) {
    std::vector<SiteScheme> schemes;
    std::vector<const Rule*> last_rule(sites.size(), nullptr);
    for (const Site& site : sites) schemes.push_back(default_scheme(site, widths));
    for (const Rule& rule : rules) {
        bool used = false;
        for (std::size_t i = 0; i < sites.size(); ++i) {
            const Site& site = sites[i];
            if (!matches(rule.names, site.name) || !matches(rule.kinds, site_kinds.name(site.kind)))
                continue;
            used = true;
            if (rule.at_most && schemes[i].bits > *rule.at_most) continue;
            apply(rule, (site.is_weight() ? widths.weights : widths.activations) == 32, schemes[i]);
            last_rule[i] = &rule;
        }
        if (used) continue;
        Error error = Error::config("a rule matches no site");
        error.because("no site of this model has such a name and kind");
        error.advise("see the names with 'aocq inspect STUDY'; kinds are " +
                     join(site_kinds.names(), ", "));
        error.at("key", rule.path);
        if (!rule.names.empty()) error.at("name", join(rule.names, ", "));
        if (!rule.kinds.empty()) error.at("kind", join(rule.kinds, ", "));
        throw error;
    }
    for (std::size_t i = 0; i < sites.size(); ++i) {
        if (!schemes[i].quantized) continue;
        std::string reason = objection(sites[i], schemes[i]);
        if (reason.empty()) reason = objection_to_scores(sites[i], schemes[i], sites, schemes);
        if (!reason.empty()) {
            Error error = Error::config("the scheme of a site makes no sense");
            throw error.because(reason)
                .at("key", last_rule[i] ? last_rule[i]->path : "rule")
                .at("site", sites[i].name);
        }
    }
    return schemes;
}

std::vector<std::string> fitted_outputs(const std::vector<Site>& sites,
                                        const std::vector<SiteScheme>& schemes) {
    AOCQ_EXPECT(sites.size() == schemes.size());
    std::vector<std::string> names;
    for (std::size_t i = 0; i < sites.size(); ++i) {
        if (sites[i].is_output() && schemes[i].quantized && schemes[i].mode == Mode::fixed)
            names.push_back(sites[i].name);
    }
    return names;
}

Json to_json(const SiteScheme& s) {
    Json json = {{"quantized", s.quantized},
                 {"codec", codecs.name(s.codec)},
                 {"bits", s.bits},
                 {"symmetry", symmetry_names.name(s.symmetry)},
                 {"granularity", granularities.name(s.granularity)},
                 {"group", s.group},
                 {"mode", modes.name(s.mode)}};
    // Only where it says something: what uniform grids are named by stays as it is.
    if (s.zero != LogZero::top) json["zero"] = log_zero_names.name(s.zero);
    return json;
}

SiteScheme scheme_from_json(Fields fields) {
    SiteScheme s;
    s.quantized = fields.flag("quantized", false);
    s.codec = fields.choice<Codec>("codec", codecs);
    s.bits = static_cast<int>(fields.integer("bits", 2, 32));
    s.symmetry = fields.choice<Symmetry>("symmetry", symmetry_names);
    s.granularity = fields.choice<Granularity>("granularity", granularities);
    s.group = fields.integer("group", 0, 1 << 20);
    s.mode = fields.choice<Mode>("mode", modes);
    s.zero = fields.choice<LogZero>("zero", log_zero_names, LogZero::top);
    fields.finish();
    return s;
}

}  // namespace aocq::quant
