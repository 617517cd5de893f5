// SPDX-License-Identifier: Apache-2.0
#include "report/Csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/Error.hpp"

namespace aocq::report {
namespace {

using testing::ElementsAre;

TEST(Csv, ReadsQuotesCommasAndLinesInsideFields) {
    const auto records = parse_csv(
        "\xEF\xBB\xBF"
        "a,\"b,\"\"c\"\"\",\r\n\"x\ny\",,z\n1",
        "f.csv");
    ASSERT_EQ(records.size(), 3U);
    EXPECT_THAT(records[0].fields, ElementsAre("a", "b,\"c\"", ""));
    EXPECT_THAT(records[1].fields, ElementsAre("x\ny", "", "z"));
    EXPECT_EQ(records[1].line, 2);
    EXPECT_EQ(records[2].line, 4);  // the quoted field had a line of its own
    EXPECT_THAT(records[2].fields, ElementsAre("1"));
    EXPECT_TRUE(parse_csv("", "f.csv").empty());
}

TEST(Csv, RefusesWhatIsNotWellFormedWithItsLine) {
    const std::vector<std::pair<std::string, std::string>> wrong{{"a,b\nc\"d,e\n", "2"},
                                                                 {"\"a\"b\n", "1"},
                                                                 {"a\n\n\"open\nfield", "3"},
                                                                 {"a\rb\n", "1"},
                                                                 {std::string("a\0b", 3), "1"}};
    for (const auto& [text, line] : wrong) {
        try {
            parse_csv(text, "f.csv");
            ADD_FAILURE() << text;
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::input);
            EXPECT_EQ(error.field("line"), line) << text;
            EXPECT_EQ(error.field("file"), "f.csv");
        }
    }
}

TEST(Csv, WhatIsWrittenIsReadBack) {
    const std::vector<std::string> fields{"plain",      "with,comma", "with \"quotes\"",
                                          "two\nlines", "",           "± 1"};
    EXPECT_EQ(parse_csv(csv_line(fields), "f.csv").at(0).fields, fields);
    EXPECT_EQ(csv_line(std::vector<std::string>{"a", "b c", "d,e"}), "a,b c,\"d,e\"\n");
}

}  // namespace
}  // namespace aocq::report
