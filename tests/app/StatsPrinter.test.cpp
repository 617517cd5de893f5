// SPDX-License-Identifier: Apache-2.0
#include "app/StatsPrinter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <functional>

#include "core/Files.hpp"
#include "support/TempFolder.hpp"

namespace aocq::app {
namespace {

using testing::HasSubstr;
using testing::Not;

// Three channels and two tokens; channel 1 is `outlier` times the others.
store::StatisticsFile file_with(float outlier) {
    store::SiteStatistics site;
    site.site = "blocks.0.mlp.fc1:input";
    site.kind = "linear.input";
    site.count = 6;
    site.minimum = -outlier;
    site.maximum = 1;
    site.channel_min = {-1, -outlier, -1};
    site.channel_max = {1, 1, 1};
    site.token_absmax = {outlier, 1};
    site.samples = {-1, 1, 1};
    return {Json::object(), {site}};
}

std::string printed(const StatsFormat& format, const std::function<void(StatsPrinter&)>& use) {
    testing::internal::CaptureStdout();
    StatsPrinter printer(format);
    use(printer);
    printer.finish();
    std::fflush(stdout);
    return testing::internal::GetCapturedStdout();
}

TEST(StatsPrinter, ShowsHowFarTheLargestChannelIsFromTheMedian) {
    const std::string text =
        printed({}, [](StatsPrinter& printer) { printer.statistics("model", file_with(32)); });
    EXPECT_THAT(text, HasSubstr("model\n"));
    EXPECT_THAT(text, HasSubstr("32.00x"));
}

TEST(StatsPrinter, MapsDrawTheOutlierChannel) {
    StatsFormat format;
    format.map = true;
    const std::string text =
        printed(format, [](StatsPrinter& printer) { printer.statistics("", file_with(32)); });
    EXPECT_THAT(text, HasSubstr("*"));
    EXPECT_THAT(text, Not(HasSubstr("32.00x")));
}

TEST(StatsPrinter, ComparesBothImbalancesBeforeAndAfter) {
    const std::string text =
        printed({}, [](StatsPrinter& printer) { printer.compared(file_with(32), file_with(2)); });
    EXPECT_THAT(text, HasSubstr("32.00x ->    2.00x"));
}

TEST(StatsPrinter, JsonIsOneDocumentInTheEnd) {
    StatsFormat format;
    format.json = true;
    const std::string text = printed(format, [](StatsPrinter& printer) {
        printer.statistics("model", file_with(8));
        printer.balance("artefact", {{"blocks.0.mlp.fc1:input", "norm", true}});
    });
    const Json json = Json::parse(text);
    EXPECT_EQ(json.at("statistics")[0].at("sites")[0].at("max_over_median_channel"), 8.0);
    EXPECT_EQ(json.at("balance")[0].at("sites")[0].at("kind"), "norm");
}

TEST(StatsPrinter, CsvHoldsEveryChannelAndToken) {
    const test::TempFolder folder;
    StatsFormat format;
    format.csv = folder.path() / "imbalance.csv";
    printed(format, [](StatsPrinter& printer) { printer.statistics("", file_with(32)); });
    const std::string csv = read_text(format.csv);
    EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 3 + 2);
    EXPECT_THAT(csv, HasSubstr(",blocks.0.mlp.fc1:input,channel,1,32,32"));
}

}  // namespace
}  // namespace aocq::app
