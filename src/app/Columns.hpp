// SPDX-License-Identifier: Apache-2.0
// Lines of text in columns as wide as their widest cell.
#pragma once

#include <string>
#include <vector>

namespace aocq::app {

enum class Align { left, right };

struct Column {
    std::string header;
    Align align = Align::left;
};

class Columns {
  public:
    explicit Columns(std::vector<Column> columns);
    void add(std::vector<std::string> cells);  // at most one for each column
    // The header and one line per call of add, two blanks between columns, none at the end.
    std::string text() const;

  private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace aocq::app
