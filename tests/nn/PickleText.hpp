// SPDX-License-Identifier: Apache-2.0
// Pickles and archives written by hand, with whatever claims a test wants to see refused.
#pragma once

#include <gtest/gtest.h>
#include <zip.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace aocq::test {

inline std::string raw(const void* data, std::size_t size) {
    return {static_cast<const char*>(data), size};
}

inline std::string pickled(std::int64_t number) {
    return std::string("\x8a\x08") + raw(&number, 8);
}

inline std::string pickled(const std::string& text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    return "X" + raw(&size, 4) + text;
}

inline std::string pickled(const std::vector<std::int64_t>& numbers) {
    std::string all = "(";
    for (const auto number : numbers) all += pickled(number);
    return all + "t";
}

struct PickledTensor {
    std::string key = "0", type = "FloatStorage";
    std::int64_t count = 6, offset = 0;
    std::vector<std::int64_t> sizes{2, 3}, strides{3, 1};
};

inline std::string pickled(const PickledTensor& t) {
    return "ctorch._utils\n_rebuild_tensor_v2\n((" + pickled(std::string("storage")) + "ctorch\n" +
           t.type + "\n" + pickled(t.key) + pickled(std::string("cpu")) + pickled(t.count) + "tQ" +
           pickled(t.offset) + pickled(t.sizes) + pickled(t.strides) + "\x89}tR";
}

// {"w": tensor}
inline std::string pickled_state(const PickledTensor& tensor) {
    return "\x80\x02}" + pickled(std::string("w")) + pickled(tensor) + "s.";
}

inline void write_zip(const std::filesystem::path& file,
                      const std::map<std::string, std::string>& entries,
                      zip_int32_t method = ZIP_CM_STORE) {
    zip_t* zip = zip_open(file.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
    ASSERT_NE(zip, nullptr);
    for (const auto& [name, content] : entries) {
        zip_source_t* source = zip_source_buffer(zip, content.data(), content.size(), 0);
        const zip_int64_t index = zip_file_add(zip, name.c_str(), source, ZIP_FL_ENC_UTF_8);
        ASSERT_GE(index, 0);
        ASSERT_EQ(zip_set_file_compression(zip, static_cast<zip_uint64_t>(index), method, 0), 0);
    }
    ASSERT_EQ(zip_close(zip), 0);
}

inline std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace aocq::test
