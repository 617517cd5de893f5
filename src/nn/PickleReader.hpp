// SPDX-License-Identifier: Apache-2.0
// Reads the pickle inside a PyTorch checkpoint as data: an allow-list of opcodes (protocols 2 to 5,
// as far as torch.save uses them) over an allow-list of classes. Every count is checked against
// what is there before anything is allocated.
#pragma once

#include <cstddef>
#include <span>

#include "nn/PickleValue.hpp"

namespace aocq::nn {

// Error(input) for anything damaged or not allowed; it names the byte.
PickleDocument read_pickle(std::span<const std::byte> bytes);

}  // namespace aocq::nn
