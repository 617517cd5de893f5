// SPDX-License-Identifier: Apache-2.0
// The safetensors format: u64 header size, JSON header, raw little-endian tensors. Memory-mapped;
// every claim of the header is checked before it is used. Source of the rules: the format's own
// description (huggingface/safetensors).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/Files.hpp"
#include "core/Json.hpp"

namespace aocq::nn {

enum class Dtype { f32, f16, bf16, f64, i64, i32, i16, i8, u8, boolean };

struct TensorView {
    Dtype dtype;
    std::vector<std::int64_t> shape;
    std::span<const std::byte> bytes;  // into the map
};

class Safetensors {
  public:
    explicit Safetensors(const std::filesystem::path& file);
    const std::map<std::string, TensorView>& tensors() const { return tensors_; }
    const std::map<std::string, std::string>& metadata() const { return metadata_; }

  private:
    FileMap map_;
    std::map<std::string, TensorView> tensors_;
    std::map<std::string, std::string> metadata_;
};

std::string_view to_string(Dtype dtype);
std::uint64_t size_of(Dtype dtype);  // bytes of one value

struct NamedFloats {
    std::string name;
    std::vector<std::int64_t> shape;
    std::span<const float> values;
};
// Written aside and renamed; tensors in the given order, F32.
void write_safetensors(const std::filesystem::path& file, std::span<const NamedFloats> tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace aocq::nn
