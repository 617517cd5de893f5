// SPDX-License-Identifier: Apache-2.0
// Strict loading from safetensors or PyTorch files: a model's parameters are all there, nothing
// else is (but for buffers that the graph computes), and each has its shape, or one error lists
// everything that is wrong.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "nn/Executor.hpp"
#include "nn/Graph.hpp"
#include "nn/WeightFile.hpp"

namespace aocq::nn {

// The graph's name of every parameter -> its name in files of another origin.
using NameMap = std::map<std::string, std::string>;

// Names and shapes only; nothing is read beyond the header. A file that has all of `other_names`
// is taken to use them.
void check_weights(const Graph& graph, const std::filesystem::path& file,
                   const NameMap& other_names = {});

// f32 tensors on the CPU (F16 and BF16 are widened). A value that is not finite is an error that
// names its tensor.
Parameters load_weights(const Graph& graph, const std::filesystem::path& file,
                        const NameMap& other_names = {});

// SHA-256 over name, shape and f32 bytes of every tensor in name order: of the weights, not of the
// file.
std::string fingerprint(const Parameters& parameters);

// Of a file's floating-point tensors, without buffers that graphs compute: that of the parameters
// which load_weights makes of it, where it has timm's names and nothing is resampled.
std::string fingerprint(const WeightFile& file);

void save_weights(const std::filesystem::path& file, const Parameters& parameters,
                  const std::map<std::string, std::string>& metadata);

}  // namespace aocq::nn
