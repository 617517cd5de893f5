// SPDX-License-Identifier: Apache-2.0
// A zip archive whose files are stored, not compressed, as torch.save writes it: no file can claim
// more bytes than the archive has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace aocq::nn {

class ZipArchive {
  public:
    // Opens and lists it; Error(input) where it is damaged, encrypted or compressed.
    explicit ZipArchive(const std::filesystem::path& file);
    ~ZipArchive();
    ZipArchive(ZipArchive&&) noexcept;

    const std::map<std::string, std::uint64_t>& sizes() const { return sizes_; }  // bytes by name
    // A whole file of the archive, its checksum verified. The name is one of sizes().
    std::vector<std::byte> read(const std::string& name) const;

  private:
    struct Handle;
    std::filesystem::path file_;
    std::unique_ptr<Handle> handle_;
    std::map<std::string, std::uint64_t> sizes_, indices_;
};

}  // namespace aocq::nn
