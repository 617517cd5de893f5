// SPDX-License-Identifier: Apache-2.0
// The numerics class (DESIGN §3.8): what must be equal for two runs to give the same bits.
#pragma once

#include <ATen/core/Tensor.h>

#include <exception>
#include <string>

namespace aocq::nn {

enum class DeviceKind { cpu, cuda };

struct DeviceChoice {
    DeviceKind kind = DeviceKind::cpu;
    int index = 0;
};

// "auto": CUDA where there is a device, one per local rank in turn; "cpu"; "cuda" (an error where
// there is none).
DeviceChoice choose_device(const std::string& wish, int local_rank);
int gpu_count();  // CUDA devices that LibTorch sees
at::Device to_device(DeviceChoice choice);

// Whether an exception says that the device itself is out of order, so that every later call fails
// too (an illegal address, a device-side assertion, a lost GPU); not when memory runs out.
bool is_device_failure(const std::exception& error);

// Threads per rank, TF32 off, deterministic algorithms on.
void set_numerics(int threads);

// E.g. "cpu avx2, torch 2.13.0, 1 thread", "cuda NVIDIA H100 80GB HBM3, torch ...": no host
// name, no date.
std::string numerics_class(DeviceChoice device, int threads);

}  // namespace aocq::nn
