// SPDX-License-Identifier: Apache-2.0
#include "app/BalanceReport.hpp"

#include <fmt/format.h>

#include <iterator>

#include "core/Fields.hpp"

namespace aocq::app {
namespace {

BalancedSite site_from(const std::string& name, const Json& entry) {
    Fields fields(entry, name);
    constexpr double most = 1e300;
    BalancedSite site;
    site.site = name;
    site.kind = fields.text("kind", "");
    site.accepted = fields.flag("accepted", false);
    site.shifted = fields.flag("shifted", false);
    site.alpha = fields.number("alpha", 0, 1, 0);
    site.before = fields.number("before", 0, most);
    site.after = fields.number("after", 0, most);
    site.predicted = fields.number("predicted_ratio", 0, most, 0);
    site.measured = fields.number("measured_ratio", 0, most, 0);
    return site;
}

std::string ratio(double value) {
    return value > 0 ? fmt::format("{:.3g}", value) : "-";
}

}  // namespace

std::vector<BalancedSite> balanced_sites(const Json& attributes) {
    std::vector<BalancedSite> found;
    Fields fields(attributes, "");
    for (Fields& pass : fields.objects("report")) {
        if (pass.text("pass", "") != "channel_balance") continue;
        const Json sites = pass.value("sites");
        for (const auto& [name, entry] : sites.items()) found.push_back(site_from(name, entry));
    }
    return found;
}

std::string to_text(const std::vector<BalancedSite>& sites) {
    std::string text =
        fmt::format("{:34}  {:10}  {:>5}  {:5}  {:>10}  {:>10}  {:>9}  {:>9}  {}\n", "site", "kind",
                    "alpha", "shift", "before", "after", "predicted", "measured", "kept");
    for (const BalancedSite& s : sites) {
        fmt::format_to(std::back_inserter(text),
                       "{:34}  {:10}  {:>5.2f}  {:5}  {:>10.4g}  {:>10.4g}  {:>9}  {:>9}  {}\n",
                       s.site, s.kind, s.alpha, s.shifted ? "yes" : "no", s.before, s.after,
                       ratio(s.predicted), ratio(s.measured), s.accepted ? "yes" : "no");
    }
    return text +
           "\nbefore, after: weighted output error on images that the search did not use; "
           "predicted, measured: the\nactivations' part of it, balanced over unbalanced, as the "
           "channels' extents alone foretell it and as found\n";
}

Json to_json(const std::vector<BalancedSite>& sites) {
    Json list = Json::array();
    for (const BalancedSite& s : sites) {
        Json entry = {{"site", s.site},       {"kind", s.kind},   {"accepted", s.accepted},
                      {"shifted", s.shifted}, {"alpha", s.alpha}, {"before", s.before},
                      {"after", s.after}};
        if (s.predicted > 0) entry["predicted_ratio"] = s.predicted;
        if (s.measured > 0) entry["measured_ratio"] = s.measured;
        list.push_back(std::move(entry));
    }
    return list;
}

}  // namespace aocq::app
