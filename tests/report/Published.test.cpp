// SPDX-License-Identifier: Apache-2.0
#include "report/Published.hpp"

#include <gtest/gtest.h>

#include "core/Error.hpp"
#include "report/Examples.hpp"
#include "support/TestData.hpp"

namespace aocq::report {
namespace {

Error refusal(const std::string& text) {
    try {
        Published::parse(text, "p.csv");
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "was accepted: " << text;
    return Error::internal("none");
}

const std::string header = "task,dataset,model,method,wbits,abits,metric,value,source\n";

TEST(Published, FindsByModelMethodBitsAndMetric) {
    const Published published = Published::parse(test::published_csv, "p.csv");
    ASSERT_EQ(published.entries().size(), 6U);
    const auto found = published.find("DeiT-T", "OMSE", 8, 8, "top1");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0]->value, 73.25);
    EXPECT_EQ(found[0]->line, 4);
    EXPECT_EQ(found[1]->source, "a rerun");
    EXPECT_TRUE(published.find("DeiT-T", "OMSE", 8, 4, "top1").empty());
    EXPECT_TRUE(published.find("DeiT-T", "OMSE", 8, 8, "top5").empty());
}

TEST(Published, KeepsARangeAsTextAndNeverFindsIt) {
    const Published published = Published::parse(test::published_csv, "p.csv");
    EXPECT_EQ(published.entries().back().text, "3.7-4.1");
    EXPECT_FALSE(published.entries().back().value);
    EXPECT_TRUE(published.find("DeiT-T", "MinMax", 8, 8, "speedup_x").empty());
}

TEST(Published, NamesAnUnknownColumnAndTheNearestKnown) {
    std::string text = header;
    text.replace(text.find("value"), 5, "valeu");
    const Error error = refusal(text);
    EXPECT_EQ(error.field("found"), "valeu");
    EXPECT_EQ(error.remedy(), "did you mean \"value\"?");
    EXPECT_EQ(error.field("line"), "1");
    EXPECT_EQ(refusal("task,extra\n").field("found"), "extra");
}

TEST(Published, RefusesAMissingOrRepeatedColumn) {
    EXPECT_NE(std::string(refusal("task,dataset\n").what()).find("lack"), std::string::npos);
    EXPECT_NE(std::string(refusal("task,task\n").what()).find("twice"), std::string::npos);
    EXPECT_NE(std::string(refusal("").what()).find("missing"), std::string::npos);
}

TEST(Published, NamesFileAndLineOfAWrongLine) {
    for (const std::string line :
         {"c,d,m,x,8,8,top1,seventy,s", "c,d,m,x,8,8,top1,nan,s", "c,d,m,x,8,8,top1,7O.1,s",
          "c,d,m,x,8,8,top1,70.1", "c,d,m,x,8,8,top1,70.1,s,t", "c,d,m,x,8,8,top1,70.1,",
          "c,d,m,x,8,8,top1,,s", ""}) {
        const Error error = refusal(header + "c,d,m,x,8,8,top1,70.1,s\n" + line + "\n");
        EXPECT_EQ(error.field("file"), "p.csv") << line;
        EXPECT_EQ(error.field("line"), "3") << line;
    }
}

TEST(Published, ColumnsMayComeInAnyOrder) {
    const Published published = Published::parse(
        "source,value,metric,abits,wbits,method,model,dataset,task\ns,1.5,top1,8,4,x,m,d,c\n",
        "p.csv");
    EXPECT_EQ(published.find("m", "x", 4, 8, "top1").at(0)->value, 1.5);
}

TEST(Published, TheShippedNumbersAreWellFormed) {
    const Published published = Published::read(aocq::test::source_folder() /
                                                "experiments/published/vit_classification.csv");
    EXPECT_EQ(published.entries().size(), 1008U);
    for (const auto& entry : published.entries()) {
        EXPECT_EQ(entry.task, "classification") << entry.line;
        if (entry.metric == "top1") {
            ASSERT_TRUE(entry.value) << entry.line;
            EXPECT_TRUE(*entry.value >= 0 && *entry.value <= 100) << entry.line;
        }
    }
    EXPECT_EQ(published.find("DeiT-S", "RepQ-ViT", 4, 4, "top1").at(0)->value, 69.03);
}

}  // namespace
}  // namespace aocq::report
