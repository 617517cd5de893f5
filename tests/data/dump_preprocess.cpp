// SPDX-License-Identifier: Apache-2.0
// Prints the SHA-256 of every image of a class folder tree after decoding, resize and centre crop
// (u8, before the normalisation), for comparison with Pillow.
// Usage: dump_preprocess ROOT SIZE CROP INTERPOLATION
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>

#include "core/Error.hpp"
#include "core/Sha256.hpp"
#include "data/ImageFolder.hpp"
#include "data/Preprocess.hpp"

int main(int argc, char** argv) {
    using namespace aocq;
    if (argc != 5) {
        std::fprintf(stderr, "usage: dump_preprocess ROOT SIZE CROP INTERPOLATION\n");
        return exit_usage;
    }
    try {
        const Json keys = {{"size", std::atoi(argv[2])},
                           {"crop", std::atof(argv[3])},
                           {"interpolation", std::string(argv[4])}};
        const data::Preprocess preprocess = data::preprocess_from(Fields(keys, ""));
        const data::ImageFolder dataset(argv[1], {});
        for (std::size_t i = 0; i < dataset.size(); ++i) {
            const data::Image image = data::crop_for(dataset.load(i), preprocess);
            const std::string digest = sha256_hex(std::as_bytes(std::span(image.rgb)));
            std::printf("%s %s\n", digest.c_str(), dataset.name(i).c_str());
        }
        return exit_done;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return exit_internal;
    }
}
