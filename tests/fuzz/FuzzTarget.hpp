// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share. A reader of untrusted bytes may return or throw an Error that blames
// the input; our own assertion, another exception, a sanitizer's report or a crash is a finding.
//
// A target defines LLVMFuzzerTestOneInput and is linked with libFuzzer (preset "fuzz") or, with any
// compiler, with Replay.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "core/Error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace aocq::fuzz {

// False where the input was refused.
template <class Read>
bool reads(Read&& read) {
    try {
        read();
        return true;
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::internal && error.kind() != ErrorKind::usage) return false;
        std::fprintf(stderr, "not the input's fault: %s\n", error.what());
        std::abort();
    }
}

// What a caller relies on after a successful read.
inline void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

// The input as a file of its own, in memory, for readers that take a path.
class InputFile {
  public:
    InputFile();
    ~InputFile();
    InputFile(const InputFile&) = delete;
    InputFile& operator=(const InputFile&) = delete;

    const std::string& with(std::span<const std::uint8_t> bytes);  // its path

  private:
    int descriptor_;
    std::string path_;
};

std::uint32_t crc32(std::span<const std::uint8_t> bytes);  // of zip and PNG

}  // namespace aocq::fuzz
