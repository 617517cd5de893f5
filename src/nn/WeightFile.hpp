// SPDX-License-Identifier: Apache-2.0
// A file of named tensors, whatever its format. The format is told by the content, not by the name.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nn/Safetensors.hpp"

namespace aocq::nn {

struct TensorInfo {
    Dtype dtype;
    std::vector<std::int64_t> shape;
};

class WeightFile {
  public:
    virtual ~WeightFile() = default;
    virtual std::string_view format() const = 0;  // "safetensors", "PyTorch"
    // Names and shapes; no numbers are read for it. A prefix that all names share and that wrappers
    // put there ("module.", "_orig_mod.", "backbone.") is taken off.
    const std::map<std::string, TensorInfo>& tensors() const { return tensors_; }
    // As it is in the file: dense, on the CPU, in its own type. The name is one of tensors().
    at::Tensor read(const std::string& name) const { return load(prefix_ + name); }

  protected:
    void list(const std::map<std::string, TensorInfo>& tensors);  // by their names in the file
    virtual at::Tensor load(const std::string& name_in_file) const = 0;

  private:
    std::map<std::string, TensorInfo> tensors_;
    std::string prefix_;
};

// Safetensors, or PyTorch's zip format.
std::unique_ptr<WeightFile> open_weights(const std::filesystem::path& file);

at::ScalarType scalar_type(Dtype dtype);

}  // namespace aocq::nn
