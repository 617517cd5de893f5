// SPDX-License-Identifier: Apache-2.0
// A folder of its own for one test: removed on success, kept (and named) on failure.
#pragma once

#include <filesystem>

namespace aocq::test {

class TempFolder {
  public:
    TempFolder();
    ~TempFolder();
    TempFolder(const TempFolder&) = delete;
    TempFolder& operator=(const TempFolder&) = delete;
    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path operator/(const std::filesystem::path& name) const {
        return path_ / name;
    }

  private:
    std::filesystem::path path_;
};

}  // namespace aocq::test
