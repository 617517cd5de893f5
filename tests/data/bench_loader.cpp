// SPDX-License-Identifier: Apache-2.0
// Images per second on one thread: resize and crop alone, decoding with it, and the loader. The
// counterpart for Pillow is bench_pillow.py. With SHARDS (of the same images), indexing and loading
// those too. Usage: bench_loader ROOT [IMAGES [SHARDS]]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "core/Error.hpp"
#include "core/Files.hpp"
#include "data/Decode.hpp"
#include "data/ImageFolder.hpp"
#include "data/Loader.hpp"
#include "data/WebDataset.hpp"

namespace {

using namespace aocq;

// The best of several rounds, as images per second.
template <class Work>
void report(const char* what, std::size_t images, Work&& work) {
    double best = std::numeric_limits<double>::infinity();
    for (int round = 0; round < 5; ++round) {
        const auto start = std::chrono::steady_clock::now();
        work();
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
        best = std::min(best, seconds.count());
    }
    std::printf("%-24s %8.0f images/s\n", what, static_cast<double>(images) / best);
}

void bench_loading(const char* what, const data::Dataset& dataset, std::size_t images) {
    std::vector<std::uint32_t> indices(images);
    std::iota(indices.begin(), indices.end(), 0U);
    report(what, images, [&] {
        data::Loader loader(dataset, data::Preprocess(), indices, {});
        while (loader.next()) {
        }
    });
}

void bench_shards(const char* shards, std::size_t images) {
    const data::WebDataset dataset(shards, {});
    report("index of shards", dataset.size(), [&] { data::WebDataset(shards, {}); });
    bench_loading("loader of shards", dataset, std::min(images, dataset.size()));
}

void bench(const char* root, std::size_t images) {
    const data::ImageFolder dataset(root, {});
    images = std::min(images, dataset.size());
    std::vector<std::string> files;
    std::vector<data::Image> decoded;
    for (std::size_t i = 0; i < images; ++i) {
        files.push_back(read_text(fs::path(root) / dataset.name(i)));
        decoded.push_back(data::decode(std::as_bytes(std::span(files.back())), dataset.name(i)));
    }
    const data::Preprocess preprocess;
    report("decode", images, [&] {
        for (const std::string& file : files) data::decode(std::as_bytes(std::span(file)), "file");
    });
    report("resize+crop", images, [&] {
        for (const data::Image& image : decoded) data::crop_for(image, preprocess);
    });
    report("decode+resize+crop", images, [&] {
        for (const std::string& file : files) {
            data::crop_for(data::decode(std::as_bytes(std::span(file)), "file"), preprocess);
        }
    });
    bench_loading("loader, 1 thread", dataset, images);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: bench_loader ROOT [IMAGES [SHARDS]]\n");
        return exit_usage;
    }
    try {
        const std::size_t images = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 200;
        bench(argv[1], images);
        if (argc > 3) bench_shards(argv[3], images);
        return exit_done;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return exit_internal;
    }
}
