// SPDX-License-Identifier: Apache-2.0
#include "data/Dataset.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/Error.hpp"
#include "core/Random.hpp"
#include "core/Sha256.hpp"

namespace aocq::data {

std::string Dataset::subset_fingerprint(std::span<const std::uint32_t> indices) const {
    Sha256 hash;
    hash.update("subset 1\n" + fingerprint() + "\n");
    for (const std::uint32_t index : indices) hash.update(fmt::format("{}\n", index));
    return hash.hex();
}

std::vector<std::uint32_t> draw_images(std::size_t dataset_size, std::size_t images,
                                       std::uint64_t seed, DrawPurpose purpose) {
    AOCQ_EXPECT(dataset_size <= 0xFFFFFFFFU);
    if (images > dataset_size) {
        throw Error::config("more images wanted than the dataset has")
            .advise("lower the number of images")
            .found(fmt::format("{} images", dataset_size))
            .wanted(fmt::format("{} images", images));
    }
    const char* name = purpose == DrawPurpose::calibration ? "calibration-draw" : "evaluation-draw";
    std::vector<std::uint32_t> order =
        random_permutation(RandomKey(seed).child(name), static_cast<std::uint32_t>(dataset_size));
    if (images > 0) order.resize(images);
    std::sort(order.begin(), order.end());
    return order;
}

std::string content_fingerprint(const Dataset& dataset, std::span<const std::uint32_t> indices) {
    Sha256 hash;
    for (const std::uint32_t index : indices) {
        const Image image = dataset.load(index);
        hash.update(fmt::format("{}x{}\n", image.width, image.height));
        hash.update(std::as_bytes(std::span(image.rgb)));
    }
    return hash.hex();
}

}  // namespace aocq::data
