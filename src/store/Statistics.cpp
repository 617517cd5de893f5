// SPDX-License-Identifier: Apache-2.0
#include "store/Statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/Error.hpp"
#include "core/Fields.hpp"

namespace aocq::store {
namespace {

// A site is one group of the file; '/' would open another one, '.' alone has a meaning in HDF5.
std::string group_name(const std::string& site) {
    std::string name;
    for (const char c : site) {
        if (c == '/') {
            name += "%2F";
        } else if (c == '%') {
            name += "%25";
        } else {
            name += c;
        }
    }
    return name == "." ? "%2E" : name;
}

std::string array_path(const std::string& site, std::string_view name) {
    return fmt::format("sites/{}/{}", group_name(site), name);
}

class SiteWriter {
  public:
    SiteWriter(Bundle& bundle, const std::string& site) : bundle_(bundle), site_(site) {}

    template <class T>
    void array(std::string_view name, const std::vector<T>& values) {
        bundle_.arrays.push_back({array_path(site_, name), {values.size()}, values});
    }
    template <class T>
    void scalar(std::string_view name, T value) {
        bundle_.arrays.push_back({array_path(site_, name), {}, std::vector<T>{value}});
    }

  private:
    Bundle& bundle_;
    const std::string& site_;
};

void add_site(Bundle& bundle, const SiteStatistics& site) {
    SiteWriter out(bundle, site.site);
    out.scalar("count", site.count);
    out.scalar("minimum", site.minimum);
    out.scalar("maximum", site.maximum);
    out.array("channel_min", site.channel_min);
    out.array("channel_max", site.channel_max);
    out.array("channel_mean", site.channel_mean);
    out.array("channel_m2", site.channel_m2);
    out.scalar("channel_count", site.channel_count);
    out.array("token_absmax", site.token_absmax);
    out.array("histogram", site.histogram);
    out.array("samples", site.samples);
    out.array("image_min", site.image_min);
    out.array("image_max", site.image_max);
    std::vector<float> absmax;
    for (std::size_t i = 0; i < site.channel_min.size(); ++i) {
        absmax.push_back(std::max(std::abs(site.channel_min[i]), std::abs(site.channel_max[i])));
    }
    out.array("derived/channel_absmax", absmax);
    const OutlierSummary summary = summarize(site);
    out.scalar("derived/max_over_median_channel", summary.max_over_median_channel);
    out.scalar("derived/max_over_median_token", summary.max_over_median_token);
    out.scalar("derived/kurtosis_of_samples", summary.kurtosis_of_samples);
    out.array("derived/top_channels", summary.top_channels);
}

// Arrays of one site, with their lengths checked.
class SiteReader {
  public:
    SiteReader(const Bundle& bundle, std::string site) : bundle_(bundle), site_(std::move(site)) {}

    template <class T>
    const std::vector<T>& array(std::string_view name) const {
        return bundle_.values<T>(array_path(site_, name));
    }
    template <class T>
    T scalar(std::string_view name) const {
        const auto& values = array<T>(name);
        if (values.size() != 1) fail(name, values.size(), 1);
        return values.front();
    }
    template <class T>
    std::vector<T> array_of(std::string_view name, std::size_t size) const {
        const auto& values = array<T>(name);
        if (values.size() != size) fail(name, values.size(), size);
        return values;
    }

  private:
    [[noreturn]] void fail(std::string_view name, std::size_t found, std::size_t wanted) const {
        throw Error::input("an array of a statistics file has the wrong length")
            .at("site", site_)
            .at("array", std::string(name))
            .found(std::to_string(found))
            .wanted(std::to_string(wanted));
    }

    const Bundle& bundle_;
    std::string site_;
};

SiteStatistics read_site(const Bundle& bundle, const std::string& site, const std::string& kind) {
    const SiteReader in(bundle, site);
    SiteStatistics statistics;
    statistics.site = site;
    statistics.kind = kind;
    statistics.count = in.scalar<std::int64_t>("count");
    statistics.minimum = in.scalar<float>("minimum");
    statistics.maximum = in.scalar<float>("maximum");
    statistics.channel_min = in.array<float>("channel_min");
    const std::size_t channels = statistics.channel_min.size();
    statistics.channel_max = in.array_of<float>("channel_max", channels);
    statistics.channel_mean = in.array_of<double>("channel_mean", channels);
    statistics.channel_m2 = in.array_of<double>("channel_m2", channels);
    statistics.channel_count = in.scalar<std::int64_t>("channel_count");
    statistics.token_absmax = in.array<float>("token_absmax");
    statistics.histogram = in.array<std::int64_t>("histogram");
    statistics.samples = in.array<float>("samples");
    statistics.image_min = in.array<float>("image_min");
    statistics.image_max = in.array_of<float>("image_max", statistics.image_min.size());
    return statistics;
}

}  // namespace

Bundle to_bundle(const StatisticsFile& statistics) {
    Bundle bundle;
    bundle.kind = "statistics";
    Json sites = Json::array();
    std::set<std::string> names;
    for (const SiteStatistics& site : statistics.sites) {
        const bool is_new = names.insert(site.site).second;
        AOCQ_EXPECT(is_new && !site.site.empty());
        sites.push_back(
            {{"site", site.site}, {"kind", site.kind}, {"group", group_name(site.site)}});
        add_site(bundle, site);
    }
    bundle.attributes = {{"attributes", statistics.attributes}, {"sites", sites}};
    return bundle;
}

StatisticsFile statistics_from_bundle(const Bundle& bundle) {
    StatisticsFile statistics;
    Fields header(bundle.attributes, "");
    statistics.attributes = header.value("attributes");
    for (Fields& entry : header.objects("sites")) {
        const std::string site = entry.text("site");
        statistics.sites.push_back(read_site(bundle, site, entry.text("kind")));
        entry.text("group");
        entry.finish();
    }
    header.finish();
    return statistics;
}

}  // namespace aocq::store
