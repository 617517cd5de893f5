// SPDX-License-Identifier: Apache-2.0
#include "nn/Numerics.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <fmt/format.h>
#include <torch/torch.h>
#include <torch/version.h>

#include "core/Error.hpp"

namespace aocq::nn {

DeviceChoice choose_device(const std::string& wish, int local_rank) {
    const auto count =
        static_cast<int>(torch::cuda::is_available() ? torch::cuda::device_count() : 0);
    if (wish == "cpu" || (wish == "auto" && count == 0)) return {};
    if (count == 0) {
        throw Error::environment("no CUDA device")
            .because("the study asks for device = \"cuda\" and LibTorch sees none")
            .advise("use a CUDA build of LibTorch on a GPU node, or run.device = \"cpu\"");
    }
    return {DeviceKind::cuda, local_rank % count};
}

at::Device to_device(DeviceChoice choice) {
    if (choice.kind == DeviceKind::cpu) return at::kCPU;
    return {at::kCUDA, static_cast<c10::DeviceIndex>(choice.index)};
}

void set_numerics(int threads) {
    AOCQ_EXPECT(threads >= 1);
    at::set_num_threads(threads);
    // Inter-operator threads would only compete with the other ranks of the node.
    at::set_num_interop_threads(1);
    at::globalContext().setAllowTF32CuBLAS(false);
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setDeterministicAlgorithms(true, true);
}

std::string numerics_class(DeviceChoice device, int threads) {
    const std::string where =
        device.kind == DeviceKind::cpu ? "cpu " + at::get_cpu_capability() : std::string("cuda");
    return fmt::format("{}, torch {}, {} thread{}", where, TORCH_VERSION, threads,
                       threads == 1 ? "" : "s");
}

}  // namespace aocq::nn
