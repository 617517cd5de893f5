// SPDX-License-Identifier: Apache-2.0
// PyTorch's .pth and .pt: a zip archive with a pickle that describes tensors and one file for each
// storage. The state dict may be the whole file or lie under "model" or "state_dict".
#pragma once

#include <filesystem>
#include <memory>

#include "nn/WeightFile.hpp"

namespace aocq::nn {

// Every claim is checked before it is used, and nothing in the file is executed: Error(input) for
// what is damaged, for classes that are not on the safe list, and where there is no state dict.
std::unique_ptr<WeightFile> open_pth(const std::filesystem::path& file);

}  // namespace aocq::nn
