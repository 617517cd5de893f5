// SPDX-License-Identifier: Apache-2.0
// What the tests of datasets have in common: images to put into folders, and looks at a dataset.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "Golden.hpp"
#include "core/Error.hpp"
#include "core/Files.hpp"
#include "data/Dataset.hpp"

namespace aocq::test {

inline void put_image(const fs::path& file, const char* golden = "one_pixel.jpg") {
    make_folder(file.parent_path());
    fs::copy_file(golden_folder() / golden, file);
}

inline std::vector<std::string> names(const data::Dataset& dataset) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < dataset.size(); ++i) all.push_back(dataset.name(i));
    return all;
}

inline std::vector<int> labels(const data::Dataset& dataset) {
    std::vector<int> all;
    for (std::size_t i = 0; i < dataset.size(); ++i) all.push_back(dataset.label(i));
    return all;
}

inline std::string pixels_fingerprint(const data::Dataset& dataset) {
    std::vector<std::uint32_t> all;
    for (std::uint32_t i = 0; i < dataset.size(); ++i) all.push_back(i);
    return data::content_fingerprint(dataset, all);
}

inline Error error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "no error was thrown";
    return Error::internal("none");
}

}  // namespace aocq::test
