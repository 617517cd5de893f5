// SPDX-License-Identifier: Apache-2.0
// Writes generated images to a file of raw bytes, [count, size, size, 3] u8, to look at them or to
// train on them elsewhere. Usage: dump_generated SPLIT COUNT SEED OUT
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "core/Error.hpp"
#include "data/GeneratedDataset.hpp"

int main(int argc, char** argv) {
    using namespace aocq;
    if (argc != 5) {
        std::fprintf(stderr, "usage: dump_generated SPLIT COUNT SEED OUT\n");
        return exit_usage;
    }
    data::GeneratedOptions options;
    const auto split = data::split_names.find(argv[1]);
    if (!split) return exit_usage;
    options.split = *split;
    options.count = static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10));
    options.seed = std::strtoull(argv[3], nullptr, 10);
    const data::GeneratedDataset dataset(options);
    std::ofstream out(argv[4], std::ios::binary);
    for (std::size_t i = 0; i < dataset.size(); ++i) {
        const data::Image image = dataset.load(i);
        out.write(reinterpret_cast<const char*>(image.rgb.data()),
                  static_cast<std::streamsize>(image.rgb.size()));
    }
    out.close();
    return out ? exit_done : exit_internal;
}
