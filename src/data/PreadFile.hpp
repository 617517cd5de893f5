// SPDX-License-Identifier: Apache-2.0
// A file read at any place without a position of its own, so that threads may share it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace aocq::data {

class PreadFile {
  public:
    // Error::input where it cannot be opened or is no regular file.
    explicit PreadFile(const std::filesystem::path& file);
    ~PreadFile();
    PreadFile(const PreadFile&) = delete;
    PreadFile& operator=(const PreadFile&) = delete;

    const std::filesystem::path& path() const { return path_; }
    std::uint64_t size() const { return size_; }  // bytes, when it was opened

    // Fills `target` from `offset` on; the range has to lie within size(). Error::input where the
    // file has become shorter since.
    void read(std::uint64_t offset, std::span<std::byte> target) const;

  private:
    std::filesystem::path path_;
    int descriptor_ = -1;
    std::uint64_t size_ = 0;
};

}  // namespace aocq::data
