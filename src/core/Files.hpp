// SPDX-License-Identifier: Apache-2.0
// Whole files: bounded reading, mapping, and writing that never leaves half a file under the final
// name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace aocq {

namespace fs = std::filesystem;

// The whole file; one larger than `limit` bytes is refused before anything is allocated.
std::string read_text(const fs::path& file, std::uint64_t limit = 64U << 20);

// A read-only memory map of a regular file.
class FileMap {
  public:
    explicit FileMap(const fs::path& file);
    ~FileMap();
    FileMap(FileMap&& other) noexcept;
    FileMap& operator=(FileMap&&) = delete;
    std::span<const std::byte> bytes() const { return {data_, size_}; }

  private:
    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

// A file that must not exist yet, from these parts one after the other. Not synced. `named`: the
// file that errors name, which this one is to become.
void write_new(const fs::path& file, std::span<const std::string_view> parts,
               const fs::path& named);

// Calls `write(temporary)`, then syncs the temporary file, renames it to `file` and syncs the
// folder. The temporary file is removed if anything throws. The folder is made where it is missing.
void write_aside(const fs::path& file, const std::function<void(const fs::path&)>& write);
void write_text(const fs::path& file, std::string_view text);

// The same for a file that nobody may replace: false, and nothing is changed, where there is one
// already.
bool write_aside_once(const fs::path& file, const std::function<void(const fs::path&)>& write);

void make_folder(const fs::path& folder);

}  // namespace aocq
