// SPDX-License-Identifier: Apache-2.0
// What a PyTorch checkpoint says of its tensors, and their bytes. Needs no LibTorch, so that the
// reader of untrusted files can be tested alone.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "nn/PickleValue.hpp"
#include "nn/ZipArchive.hpp"

namespace aocq::nn {

class PthArchive {
  public:
    // Error(input) for what is damaged, for classes that are not on the safe list, and where there
    // is no state dict.
    explicit PthArchive(const std::filesystem::path& file);

    // By name. Every tensor lies within its storage, and has no more values than that.
    const std::map<std::string, PickleTensor>& tensors() const { return tensors_; }
    // The storage of one of tensors(): `count` values of its type.
    std::vector<std::byte> read(const PickleStorage& storage) const;

  private:
    std::string entry_of(const PickleStorage& storage) const;
    void check_byte_order() const;
    void check(const std::string& name, const PickleTensor& tensor) const;

    ZipArchive archive_;
    std::string folder_;
    std::map<std::string, PickleTensor> tensors_;
};

}  // namespace aocq::nn
