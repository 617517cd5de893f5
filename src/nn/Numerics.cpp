// SPDX-License-Identifier: Apache-2.0
#include "nn/Numerics.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <fmt/format.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string_view>

#include "core/Error.hpp"
#include "core/Text.hpp"

namespace aocq::nn {
namespace {

// The models of this host's GPUs as the driver lists them, since LibTorch says a model only to code
// that is built with CUDA. Where there are several models, a class of its own for the mixture.
std::string gpu_models(const std::filesystem::path& driver) {
    std::set<std::string> models;
    std::error_code code;
    for (std::filesystem::directory_iterator entry(driver, code), end; !code && entry != end;
         entry.increment(code)) {
        std::ifstream information(entry->path() / "information");
        for (std::string line; std::getline(information, line);) {
            if (!line.starts_with("Model:")) continue;
            models.insert(std::string(trim(std::string_view(line).substr(6))));
        }
    }
    std::string all = "cuda";
    for (const auto& model : models) all += " " + model;
    return all;
}

// Inter-operator threads would only compete with the other ranks of the node. Torch takes their
// number once in a process, and not after its first parallel work: then it stays as it is, which
// changes no bit.
void spare_interop_threads() {
    static const bool done = [] {
        try {
            at::set_num_interop_threads(1);
        } catch (const c10::Error&) {
            return false;
        }
        return true;
    }();
    static_cast<void>(done);
}

}  // namespace

int gpu_count() {
    return torch::cuda::is_available() ? static_cast<int>(torch::cuda::device_count()) : 0;
}

DeviceChoice choose_device(const std::string& wish, int local_rank) {
    if (wish == "cpu") return {};
    const int count = gpu_count();
    if (wish == "auto" && count == 0) return {};
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

bool is_device_failure(const std::exception& error) {
    if (dynamic_cast<const c10::OutOfMemoryError*>(&error)) return false;
    const std::string_view text = error.what();
    constexpr std::string_view signs[] = {"CUDA error", "CUBLAS_STATUS_EXECUTION_FAILED",
                                          "CUDNN_STATUS_EXECUTION_FAILED"};
    return std::any_of(std::begin(signs), std::end(signs), [&](std::string_view sign) {
        return text.find(sign) != std::string_view::npos;
    });
}

void set_numerics(int threads) {
    AOCQ_EXPECT(threads >= 1);
    // cuBLAS is deterministic only with a workspace of fixed size; it reads this at its first call.
    setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);
    at::set_num_threads(threads);
    spare_interop_threads();
    at::globalContext().setAllowTF32CuBLAS(false);
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setDeterministicAlgorithms(true, true);
}

std::string numerics_class(DeviceChoice device, int threads) {
    const std::string where = device.kind == DeviceKind::cpu
                                  ? "cpu " + at::get_cpu_capability()
                                  : gpu_models("/proc/driver/nvidia/gpus");
    return fmt::format("{}, torch {}, {} thread{}", where, TORCH_VERSION, threads,
                       threads == 1 ? "" : "s");
}

}  // namespace aocq::nn
