// SPDX-License-Identifier: Apache-2.0
// The three forms of one table against files (golden/): set AOCQ_UPDATE_GOLDEN=1 to rewrite them.
#include "report/Render.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/Files.hpp"
#include "core/Text.hpp"
#include "report/Csv.hpp"
#include "report/Examples.hpp"
#include "support/TestData.hpp"

namespace aocq::report {
namespace {

void expect_golden(const std::string& text, const std::string& name) {
    const fs::path file = aocq::test::source_folder() / "tests/report/golden" / name;
    if (std::getenv("AOCQ_UPDATE_GOLDEN")) write_text(file, text);
    EXPECT_EQ(text, read_text(file)) << name;
}

Table example_table() {
    const Published published = Published::parse(test::published_csv, "p.csv");
    return build_table(test::example_spec(), test::example(), &published);
}

TEST(Render, TextIsGolden) {
    expect_golden(render_text(example_table()), "observers.txt");
}

TEST(Render, MarkdownIsGolden) {
    expect_golden(render_markdown(example_table()), "observers.md");
}

TEST(Render, CsvIsGolden) {
    const std::string text = render_csv(example_table());
    expect_golden(text, "observers.csv");
    for (const auto& record : parse_csv(text, "table")) EXPECT_EQ(record.fields.size(), 9U);
}

TEST(Render, AWideTableContinuesBelowWithWholeGroups) {
    const std::string text = render_text(example_table(), 60);
    expect_golden(text, "observers_narrow.txt");
    for (const auto& line : split(text, '\n')) EXPECT_LE(display_width(line), 60U) << line;
}

TEST(Render, AlignsNamesByCharactersAndNotByBytes) {
    Table table;
    table.name = "t";
    table.parts = {
        {"top1", "top1 (%)", {"m"}, {{"W8A8", 0}}, {{{"größe"}, {"1.00"}}, {{"a"}, {"—"}}}}};
    EXPECT_EQ(render_text(table),
              "t\n\ntop1 (%)\n"
              "m      W8A8\n"
              "─────  ────\n"
              "größe  1.00\n"
              "a         —\n\n");
}

TEST(Render, MarkdownEscapesWhatItWouldRead) {
    Table table;
    table.name = "a|b";
    table.notes = {"<script> *x* `y`"};
    EXPECT_EQ(render_markdown(table), "### a\\|b\n\n- \\<script> \\*x\\* \\`y\\`\n");
}

}  // namespace
}  // namespace aocq::report
