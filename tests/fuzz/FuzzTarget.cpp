// SPDX-License-Identifier: Apache-2.0
#include "fuzz/FuzzTarget.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

namespace aocq::fuzz {

InputFile::InputFile() : descriptor_(memfd_create("input", MFD_CLOEXEC)) {
    require(descriptor_ >= 0, "a file in memory can be made");
    path_ = fmt::format("/proc/self/fd/{}", descriptor_);
}

InputFile::~InputFile() {
    close(descriptor_);
}

const std::string& InputFile::with(std::span<const std::uint8_t> bytes) {
    require(ftruncate(descriptor_, 0) == 0 && pwrite(descriptor_, bytes.data(), bytes.size(), 0) ==
                                                  static_cast<ssize_t>(bytes.size()),
            "a file in memory can be written");
    return path_;
}

std::uint32_t crc32(std::span<const std::uint8_t> bytes) {
    std::uint32_t value = 0xFFFFFFFFU;
    for (const std::uint8_t byte : bytes) {
        value ^= byte;
        for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1U ? 0xEDB88320U : 0U);
    }
    return ~value;
}

}  // namespace aocq::fuzz
