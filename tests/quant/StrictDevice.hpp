// SPDX-License-Identifier: Apache-2.0
// A device as strict as a GPU, for machines that have none: its memory cannot be read by the host
// (a pointer into it is a segmentation fault), and an operation on tensors of two devices is an
// error, but for single numbers of the CPU, which CUDA takes too. Every operation is done by the
// CPU's kernel on copies, so results are those of the CPU's tensor operations, bit for bit.
#pragma once

#include <ATen/core/Tensor.h>

namespace aocq::test {

// The first call makes it known to LibTorch, which expects one kind of accelerator in a process:
// not to be called where a GPU is used.
c10::Device strict_device();

// A device other than the CPU: a GPU where there is one, else the strict device.
c10::Device other_device();

}  // namespace aocq::test
