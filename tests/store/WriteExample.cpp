// SPDX-License-Identifier: Apache-2.0
// Writes one bundle for open_with_h5py.py, which looks at it with somebody else's reader.
#include <cstdio>
#include <exception>

#include "store/Statistics.hpp"

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    try {
        aocq::store::SiteStatistics site;
        site.site = "blocks.0/attn:input";
        site.kind = "linear.input";
        site.count = 6;
        site.minimum = -4;
        site.maximum = 3;
        site.channel_min = {-1, -4};
        site.channel_max = {3, 2};
        site.channel_mean = {0.5, -0.25};
        site.channel_m2 = {1, 2};
        site.channel_count = 3;
        site.histogram = {1, 2, 3};
        aocq::store::StatisticsFile file;
        file.attributes = {{"model", "tiny"}};
        file.sites = {site};
        aocq::store::write_bundle(argv[1], aocq::store::to_bundle(file));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
    return 0;
}
