// SPDX-License-Identifier: Apache-2.0
#include "report/LongTable.hpp"

#include <gtest/gtest.h>

#include "report/Csv.hpp"
#include "report/Examples.hpp"

namespace aocq::report {
namespace {

TEST(LongTable, HasOneLinePerExperimentAndMetric) {
    std::vector<ResultRow> rows{test::float_result("DeiT-T", 290),
                                test::result("mse", {4, 8}, 3, 200, 0.5)};
    rows[1].summary.n = 400;
    rows[1].coordinates.emplace_back("method.levels", Json{"operator", "loss"});
    const std::vector<std::string> keys{"method.observer", "bits", "method.levels", "seed"};
    // The intervals are Wilson's formula worked out elsewhere in double precision.
    EXPECT_EQ(long_table_csv(rows, keys),
              "experiment,model,bits,seed,method.observer,method.levels,metric,value,n,low,high\n"
              "floatDeiT-T,DeiT-T,float,0,,,top1,72.5000,400,67.9258,76.6461\n"
              "floatDeiT-T,DeiT-T,float,0,,,top5,90.0000,400,86.6689,92.5701\n"
              "mseW4A8s3,DeiT-T,W4A8,3,mse,operator+loss,top1,50.0000,400,45.1235,54.8765\n"
              "mseW4A8s3,DeiT-T,W4A8,3,mse,operator+loss,top5,65.0000,400,60.2032,69.5114\n"
              "mseW4A8s3,DeiT-T,W4A8,3,mse,operator+loss,agreement,57.5000,400,52.6068,62.2506\n"
              "mseW4A8s3,DeiT-T,W4A8,3,mse,operator+loss,kl,0.5,400,0.438751,0.561249\n");
}

TEST(LongTable, LeavesValuesOfAFailedExperimentEmpty) {
    auto rows = test::example();
    const auto records = parse_csv(long_table_csv(rows, {}), "long");
    ASSERT_EQ(records.size(), 1U + 2 + 6 * 4);
    int empty = 0;
    for (const auto& record : records) {
        ASSERT_EQ(record.fields.size(), 9U);
        empty += record.fields[5].empty() && record.fields[7].empty() && record.fields[8].empty();
    }
    EXPECT_EQ(empty, 8);  // two experiments without a result
}

TEST(LongTable, QuotesNamesAndSeparatesAxesFromColumnsOfTheSameName) {
    auto row = test::result("a,\"b\"", {8, 8}, 0, 1, 0);
    row.coordinates.emplace_back("model", "tiny");
    const auto records = parse_csv(
        long_table_csv(std::vector{row}, std::vector<std::string>{"method.observer", "model"}),
        "long");
    EXPECT_EQ(records[0].fields[5], "axis.model");
    EXPECT_EQ(records[1].fields[4], "a,\"b\"");
    EXPECT_EQ(records[1].fields[5], "tiny");
}

TEST(LongTable, ShowsMemoryWithoutAnIntervalWhereItIsKnown) {
    auto row = test::result("mse", {4, 8}, 3, 200, 0.5);
    row.memory_ratio = 0.1285;
    const std::string text = long_table_csv(std::vector{row}, {});
    EXPECT_NE(text.find("W4A8,3,memory,0.1285,400,,\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace aocq::report
