// SPDX-License-Identifier: Apache-2.0
// Numbers that others have published, to stand beside our own (experiments/published/*.csv).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aocq::report {

struct PublishedEntry {
    std::string task, dataset, model, method;
    std::string weight_bits, activation_bits;  // as printed: mostly "4", sometimes "4MP"
    std::string metric;
    std::string text;             // the value as printed
    std::optional<double> value;  // nothing where a range was printed ("3.72-4.11")
    std::string source;
    int line = 0;
};

class Published {
  public:
    Published() = default;

    // At most 8 MiB. Columns: task, dataset, model, method, wbits, abits, metric, value, source in
    // any order and no others. Errors (input) name file and line.
    static Published read(const std::filesystem::path& file);
    static Published parse(std::string_view text, const std::string& source);

    const std::vector<PublishedEntry>& entries() const { return entries_; }

    // Every entry with a number that fits, in the order of the file; bits 32 is float.
    std::vector<const PublishedEntry*> find(std::string_view model, std::string_view method,
                                            int weight_bits, int activation_bits,
                                            std::string_view metric) const;

  private:
    std::vector<PublishedEntry> entries_;
};

}  // namespace aocq::report
