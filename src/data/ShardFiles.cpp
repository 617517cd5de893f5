// SPDX-License-Identifier: Apache-2.0
#include "data/ShardFiles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <system_error>

#include "core/Error.hpp"
#include "core/Text.hpp"
#include "data/ImageFiles.hpp"

namespace aocq::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_shards = 100'000;

[[noreturn]] void fail(const std::string& reason, std::string_view pattern) {
    throw Error::config("wrong pattern of shards")
        .because(reason)
        .advise("write it like shard-{000000..000009}.tar")
        .found(std::string(pattern));
}

std::uint32_t bound(std::string_view digits, std::string_view pattern) {
    std::uint32_t value = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (code != std::errc() || end != digits.data() + digits.size()) {
        fail("a range goes from a whole number to another", pattern);
    }
    return value;
}

// What one pair of braces stands for.
std::vector<std::string> choices(std::string_view inside, std::string_view pattern) {
    const std::size_t dots = inside.find("..");
    if (dots == std::string_view::npos) {
        if (inside.find(',') == std::string_view::npos)
            fail("braces hold a range or a list", pattern);
        return split(inside, ',');
    }
    const std::string_view from = inside.substr(0, dots);
    const std::uint32_t first = bound(from, pattern),
                        last = bound(inside.substr(dots + 2), pattern);
    if (last < first || last - first >= most_shards) fail("a range is empty or too long", pattern);
    const std::size_t width = from.starts_with('0') ? from.size() : 1;
    if (width > 20) fail("a number is too long", pattern);
    std::vector<std::string> all;
    for (std::uint32_t i = 0; i <= last - first; ++i) {
        all.push_back(fmt::format("{:0{}}", first + i, width));
    }
    return all;
}

}  // namespace

std::vector<std::string> expand_braces(const std::string& pattern) {
    std::vector<std::string> all{""};
    std::string_view rest = pattern;
    for (;;) {
        const std::size_t open = rest.find('{');
        for (std::string& text : all) text += rest.substr(0, open);
        if (open == std::string_view::npos) return all;
        const std::size_t close = rest.find('}', open);
        if (close == std::string_view::npos) fail("a brace is not closed", pattern);
        const auto parts = choices(rest.substr(open + 1, close - open - 1), pattern);
        if (all.size() > most_shards / parts.size()) fail("it names too many files", pattern);
        std::vector<std::string> longer;
        for (const std::string& text : all) {
            for (const std::string& part : parts) longer.push_back(text + part);
        }
        all = std::move(longer);
        rest.remove_prefix(close + 1);
    }
}

std::vector<fs::path> find_shards(const fs::path& shards) {
    std::vector<fs::path> found;
    std::error_code ignored;
    if (fs::is_directory(shards, ignored)) {
        for (const std::string& name : sorted_names(shards)) {
            if (lower_case(fs::path(name).extension().string()) == ".tar") {
                found.push_back(shards / name);
            }
        }
        if (!found.empty()) return found;
        throw Error::input("folder has no shards")
            .advise("shards end in .tar")
            .at("file", shards.string());
    }
    if (fs::exists(shards, ignored)) return {shards};
    for (const std::string& name : expand_braces(shards.string())) {
        if (!fs::exists(name, ignored)) {
            throw Error::input("a shard is missing")
                .advise("check the path and the range")
                .at("file", name);
        }
        found.emplace_back(name);
    }
    return found;
}

}  // namespace aocq::data
