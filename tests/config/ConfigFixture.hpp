// SPDX-License-Identifier: Apache-2.0
// A folder with study files and a configs folder, and the error that an action ends in.
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <map>
#include <string>

#include "config/Study.hpp"
#include "core/Files.hpp"
#include "support/TempFolder.hpp"

namespace aocq::config {

inline Error error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "no error was thrown";
    return Error::internal("none");
}

// One line for each field, so that a test shows what a user sees.
inline std::string fields_of(const Error& error, std::initializer_list<const char*> names) {
    std::string all;
    for (const char* name : names) {
        all += all.empty() ? "" : " ";
        all += std::string(name) + "=" + error.field(name);
    }
    return all;
}

class ConfigTest : public testing::Test {
  protected:
    ConfigTest() {
        write("configs/models/small.toml",
              "family = \"vit\"\nwidth = 64\n[preprocess]\nsize = 32\n");
        write("configs/models/large.toml",
              "family = \"vit\"\nwidth = 128\n[preprocess]\nsize = 32\n");
        write("configs/methods/plain.toml", "levels = []\n[[pass]]\nkind = \"fit\"\nsteps = 3\n");
        write("configs/methods/full.toml",
              "extends = \"plain.toml\"\nlevels = [\"operator\", \"loss\"]\n");
        write("configs/datasets/tiny.toml", "kind = \"folder\"\nbatch = 4\n");
    }

    fs::path file(const std::string& name) const { return folder_ / name; }
    void write(const std::string& name, const std::string& text) {
        write_text(folder_ / name, text);
    }

    Document load(const std::string& text, std::vector<std::string> overrides = {}) {
        write("study.toml", text);
        return load_file("study.toml", std::move(overrides));
    }
    Document load_file(const std::string& name, std::vector<std::string> overrides = {}) {
        LoadOptions options;
        options.overrides = std::move(overrides);
        options.environment = [this](const std::string& variable) -> std::optional<std::string> {
            const auto entry = environment_.find(variable);
            if (entry == environment_.end()) return std::nullopt;
            return entry->second;
        };
        return load_document(file(name), options);
    }
    Study study(const std::string& text, std::vector<std::string> overrides = {}) {
        return expand(load(text, std::move(overrides)));
    }
    Error error(const std::string& text, std::vector<std::string> overrides = {}) {
        return error_of([&] { study(text, std::move(overrides)); });
    }
    // The line of study.toml, checked to be that file's.
    std::string line_of(const Error& error) const {
        EXPECT_EQ(error.field("file"), file("study.toml").string()) << error.what();
        return error.field("line");
    }

    std::map<std::string, std::string> environment_;

  private:
    test::TempFolder folder_;
};

// Sixteen lines; what a test appends begins at line 17.
inline const std::string base_study = R"(schema = 1
name = "example"
bits = "W4A4"
[model]
use = "small"
[data.calibration]
use = "tiny"
images = 8
[data.evaluation]
use = "tiny"
images = 16
[method]
use = "plain"
name = "m"
[run]
threads = 2
)";

}  // namespace aocq::config
