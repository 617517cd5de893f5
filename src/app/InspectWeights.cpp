// SPDX-License-Identifier: Apache-2.0
#include "app/InspectWeights.hpp"

#include <fmt/format.h>

#include "app/Columns.hpp"
#include "core/Json.hpp"
#include "core/Text.hpp"
#include "nn/Shapes.hpp"
#include "nn/Weights.hpp"

namespace aocq::app {
namespace {

std::string shape_text(const nn::Shape& shape) {
    std::vector<std::string> parts;
    for (const auto extent : shape) parts.push_back(std::to_string(extent));
    return fmt::format("[{}]", join(parts, ", "));
}

}  // namespace

int inspect_weights(const std::filesystem::path& file, bool as_json) {
    const auto source = nn::open_weights(file);
    std::int64_t values = 0, bytes = 0;
    Columns columns({{"tensor"}, {"dtype"}, {"shape"}, {"bytes", Align::right}});
    Json list = Json::array();
    for (const auto& [name, info] : source->tensors()) {
        const std::int64_t count = nn::count_of(info.shape);
        const std::int64_t size = count * static_cast<std::int64_t>(nn::size_of(info.dtype));
        values += count;
        bytes += size;
        columns.add({name, std::string(nn::to_string(info.dtype)), shape_text(info.shape),
                     std::to_string(size)});
        list.push_back({{"name", name},
                        {"dtype", nn::to_string(info.dtype)},
                        {"shape", info.shape},
                        {"bytes", size}});
    }
    const std::string fingerprint = nn::fingerprint(*source);
    if (as_json) {
        const Json all = {{"format", source->format()},
                          {"tensors", list},
                          {"values", values},
                          {"bytes", bytes},
                          {"fingerprint", fingerprint}};
        fmt::print("{}\n", all.dump(2));
        return exit_done;
    }
    fmt::print("{}\n{}: {} tensors, {} values, {} bytes\nfingerprint {}\n", columns.text(),
               source->format(), list.size(), values, bytes, fingerprint);
    return exit_done;
}

}  // namespace aocq::app
