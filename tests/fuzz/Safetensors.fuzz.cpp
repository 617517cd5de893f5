// SPDX-License-Identifier: Apache-2.0
// Safetensors: whatever is accepted lies within the file.
#include "nn/Safetensors.hpp"
#include "fuzz/FuzzTarget.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace aocq;
    static fuzz::InputFile file;
    const std::string& path = file.with({data, size});
    fuzz::reads([&] {
        const nn::Safetensors weights(path);
        std::size_t all = 0;
        unsigned sum = 0;  // so that every byte is read
        for (const auto& [name, view] : weights.tensors()) {
            std::uint64_t bytes = nn::size_of(view.dtype);
            for (const std::int64_t extent : view.shape)
                bytes *= static_cast<std::uint64_t>(extent);
            fuzz::require(bytes == view.bytes.size(), "a tensor has the bytes of its shape");
            for (const std::byte byte : view.bytes) sum += std::to_integer<unsigned>(byte);
            all += view.bytes.size();
        }
        fuzz::require(all + 8 <= size && sum <= 255 * size, "tensors do not overlap");
    });
    return 0;
}
