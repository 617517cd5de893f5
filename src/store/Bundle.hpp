// SPDX-License-Identifier: Apache-2.0
// One kind of file for everything the program keeps: named arrays and a JSON header in HDF5, with a
// digest over both. Statistics, quantized artefacts, segments and results are bundles of a
// different `kind` (src/doc/file-format.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/Json.hpp"

namespace aocq::store {

using ArrayData = std::variant<std::vector<float>, std::vector<double>, std::vector<std::int32_t>,
                               std::vector<std::int64_t>, std::vector<std::uint8_t>>;

struct Array {
    std::string name;  // a path inside the file: "blocks.0.attn.qkv:input/channel_min"
    std::vector<std::uint64_t> shape;
    ArrayData data;
};

struct Bundle {
    std::string kind;  // "statistics", "artefact", "segment", "result", "logits"
    Json attributes = Json::object();
    std::vector<Array> arrays;
    // What the key that the file is named after was hashed from; null for a file without one. In
    // the header under "identity".
    Json identity = {};

    const Array* find(std::string_view name) const;
    // The data of an array that must be there with this type; an Error(input) otherwise, without
    // the file.
    template <class T>
    const std::vector<T>& values(std::string_view name) const;
};

// The header as it stands in the file: attributes and identity as canonical JSON.
std::string header_text(const Bundle& bundle);

// SHA-256 over kind, header, and name, type, shape, bytes of every array in
// name order.
std::string digest(const Bundle& bundle);

// Temporary name, flush, close, sync, rename. Bytes depend on the contents only.
void write_bundle(const std::filesystem::path& file, const Bundle& bundle);

// For a file that is named after the key of its contents, and that several writers may make at the
// same time: the first one stays. One that is there already must be equal, else Error(environment):
// then two machines of one numerics class do not compute the same bits. A damaged one is replaced.
void keep_bundle(const std::filesystem::path& file, const Bundle& bundle);

// Compares the whole file with its checksum; takes no memory for its contents.
enum class Condition { absent, sound, damaged };
Condition condition_of(const std::filesystem::path& file, std::string_view kind);

// Refuses: not HDF5, another kind, a newer format version, a wrong digest, sizes beyond the file's.
Bundle read_bundle(const std::filesystem::path& file, std::string_view kind);

// The same without the arrays.
Bundle read_header(const std::filesystem::path& file, std::string_view kind);

}  // namespace aocq::store
