// SPDX-License-Identifier: Apache-2.0
#include "nn/Safetensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "core/EnumTable.hpp"
#include "core/Text.hpp"

namespace aocq::nn {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are mapped, not converted");

constexpr EnumTable<Dtype, 10> dtypes{{{
    {Dtype::f32, "F32"},
    {Dtype::f16, "F16"},
    {Dtype::bf16, "BF16"},
    {Dtype::f64, "F64"},
    {Dtype::i64, "I64"},
    {Dtype::i32, "I32"},
    {Dtype::i16, "I16"},
    {Dtype::i8, "I8"},
    {Dtype::u8, "U8"},
    {Dtype::boolean, "BOOL"},
}}};

constexpr std::uint64_t largest_header = 100'000'000;  // the format's own limit
constexpr std::size_t most_dimensions = 8;

Error damaged(const std::string& reason) {
    return Error::input("damaged safetensors file").because(reason);
}

// Reads one entry of the header; `data` is everything after the header.
TensorView read_entry(const std::string& name, const Json& entry, std::span<const std::byte> data) {
    const auto complain = [&](const std::string& reason) {
        return damaged(reason).at("tensor", name);
    };
    if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") ||
        !entry.contains("data_offsets")) {
        throw complain("an entry needs dtype, shape and data_offsets");
    }
    if (!entry["dtype"].is_string()) throw complain("dtype is no text");
    const auto dtype = dtypes.find(entry["dtype"].get<std::string>());
    if (!dtype) {
        throw complain("unknown dtype")
            .found(entry["dtype"].get<std::string>())
            .wanted("one of " + join(dtypes.names(), ", "));
    }
    const Json& shape = entry["shape"];
    const Json& offsets = entry["data_offsets"];
    if (!shape.is_array() || shape.size() > most_dimensions)
        throw complain("shape is no short list");
    if (!offsets.is_array() || offsets.size() != 2) throw complain("data_offsets is no pair");

    TensorView view{*dtype, {}, {}};
    std::uint64_t bytes = size_of(*dtype);
    for (const Json& extent : shape) {
        if (!extent.is_number_unsigned()) throw complain("a shape has a part that is no count");
        const auto n = extent.get<std::uint64_t>();
        if (n > data.size() || (n != 0 && bytes > data.size() / n))
            throw complain("the shape is larger than the file");
        bytes *= n;
        view.shape.push_back(static_cast<std::int64_t>(n));
    }
    if (!offsets[0].is_number_unsigned() || !offsets[1].is_number_unsigned())
        throw complain("an offset is no count");
    const auto begin = offsets[0].get<std::uint64_t>();
    const auto end = offsets[1].get<std::uint64_t>();
    if (begin > end || end > data.size()) {
        throw complain("the offsets lie outside the file")
            .found(fmt::format("{}..{}", begin, end))
            .wanted(fmt::format("within 0..{}", data.size()));
    }
    if (end - begin != bytes) {
        throw complain("the offsets do not fit the shape")
            .found(fmt::format("{} bytes", end - begin))
            .wanted(fmt::format("{} bytes", bytes));
    }
    view.bytes = data.subspan(begin, bytes);
    return view;
}

// The format allows neither overlaps nor holes.
void check_coverage(const std::map<std::string, TensorView>& tensors,
                    std::span<const std::byte> data) {
    std::vector<std::pair<std::span<const std::byte>, std::string>> parts;
    for (const auto& [name, view] : tensors) parts.emplace_back(view.bytes, name);
    std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) {
        return std::pair(a.first.data(), a.first.size()) <
               std::pair(b.first.data(), b.first.size());
    });
    const std::byte* position = data.data();
    for (const auto& [bytes, name] : parts) {
        if (bytes.data() < position) throw damaged("two tensors overlap").at("tensor", name);
        if (bytes.data() > position)
            throw damaged("there is a hole before a tensor").at("tensor", name);
        position += bytes.size();
    }
    if (position != data.data() + data.size())
        throw damaged("there are bytes after the last tensor");
}

}  // namespace

std::uint64_t size_of(Dtype dtype) {
    switch (dtype) {
        case Dtype::f64:
        case Dtype::i64:
            return 8;
        case Dtype::f32:
        case Dtype::i32:
            return 4;
        case Dtype::f16:
        case Dtype::bf16:
        case Dtype::i16:
            return 2;
        case Dtype::i8:
        case Dtype::u8:
        case Dtype::boolean:
            break;
    }
    return 1;
}

std::string_view to_string(Dtype dtype) {
    return dtypes.name(dtype);
}

Safetensors::Safetensors(const std::filesystem::path& file) : map_(file) {
    try {
        const auto all = map_.bytes();
        if (all.size() < 8) throw damaged("it is shorter than the size of its header");
        std::uint64_t header_size = 0;
        std::memcpy(&header_size, all.data(), 8);
        if (header_size > std::min<std::uint64_t>(largest_header, all.size() - 8)) {
            throw damaged("the header claims to be larger than the file or the format allows")
                .found(fmt::format("{} bytes", header_size))
                .wanted(fmt::format("at most {} bytes",
                                    std::min<std::uint64_t>(largest_header, all.size() - 8)));
        }
        const std::string_view text(reinterpret_cast<const char*>(all.data()) + 8, header_size);
        const Json header = parse_json(text, file.string());
        if (!header.is_object()) throw damaged("the header is no JSON object");
        const auto data = all.subspan(8 + header_size);
        for (const auto& [name, entry] : header.items()) {
            if (name == "__metadata__") {
                if (!entry.is_object()) throw damaged("__metadata__ is no object");
                for (const auto& [key, value] : entry.items()) {
                    if (value.is_string()) metadata_[key] = value.get<std::string>();
                }
                continue;
            }
            tensors_.emplace(name, read_entry(name, entry, data));
        }
        check_coverage(tensors_, data);
    } catch (Error& error) {
        if (error.field("file").empty()) error.at("file", file.string());
        throw;
    }
}

void write_safetensors(const std::filesystem::path& file, std::span<const NamedFloats> tensors,
                       const std::map<std::string, std::string>& metadata) {
    Json header = Json::object();
    if (!metadata.empty()) header["__metadata__"] = metadata;
    std::uint64_t position = 0;
    for (const auto& tensor : tensors) {
        const std::uint64_t end = position + tensor.values.size_bytes();
        header[tensor.name] = {
            {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {position, end}}};
        position = end;
    }
    std::string text = canonical_json(header);
    text.resize((text.size() + 7) / 8 * 8, ' ');  // tensors start at a multiple of 8
    const std::uint64_t size = text.size();
    std::string all(reinterpret_cast<const char*>(&size), 8);
    all += text;
    for (const auto& tensor : tensors) {
        all.append(reinterpret_cast<const char*>(tensor.values.data()), tensor.values.size_bytes());
    }
    write_text(file, all);
}

}  // namespace aocq::nn
