// SPDX-License-Identifier: Apache-2.0
// The list that fixes which class has which index: one class a line, its first word is the name.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace aocq::data {

// Name to index. Throws Error::input for a missing or empty file and for a name that comes twice.
std::map<std::string, int> read_synsets(const std::filesystem::path& file);

// What a label may be written as: an index or, with a list of classes, a name in it.
class ClassNames {
  public:
    explicit ClassNames(const std::filesystem::path& synsets);  // may be empty: no list

    int count() const { return static_cast<int>(indices_.size()); }  // 0 without a list
    // Nothing for a word that is neither. Error::input for an index out of range.
    std::optional<int> label_of(std::string_view word) const;
    const char* wanted() const;  // for messages
    const std::map<std::string, int>& indices() const { return indices_; }

  private:
    std::map<std::string, int> indices_;
};

}  // namespace aocq::data
