// SPDX-License-Identifier: Apache-2.0
// Bad input as a user meets it: the exit code and the message of the program itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>

#include "engine/ToyStudy.hpp"
#include "support/TestData.hpp"

namespace aocq {
namespace {

using testing::HasSubstr;

struct Answer {
    int code = -1;
    std::string text;  // stdout and stderr together
};

Answer call(const std::string& arguments) {
    const std::string command =
        fmt::format("{} {} 2>&1", (test::binary_folder() / "aocq").string(), arguments);
    Answer answer;
    FILE* pipe = popen(command.c_str(), "r");
    if (!pipe) return answer;
    char buffer[4096];
    while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe))
        answer.text.append(buffer, count);
    const int status = pclose(pipe);
    answer.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    return answer;
}

class Cli : public testing::Test {
  protected:
    test::ToyStudy toy;

    std::string results() const { return " --results " + (toy.folder / "results").string(); }
    Answer on_study(const std::string& command) const {
        return call(command + " " + toy.file().string() + results());
    }
    // Validates and runs: both must refuse with 2 and say the same.
    Answer refusal() const {
        const Answer checked = on_study("validate"), run = on_study("run");
        EXPECT_EQ(checked.code, 2) << checked.text;
        EXPECT_EQ(run.code, 2) << run.text;
        return checked;
    }
};

TEST_F(Cli, WholeWayFromStudyToTable) {
    EXPECT_EQ(on_study("validate").code, 0);
    const Answer planned = on_study("plan");
    EXPECT_EQ(planned.code, 0);
    EXPECT_THAT(planned.text, HasSubstr("5 experiments"));
    EXPECT_THAT(planned.text, HasSubstr("pending"));
    const Answer run = on_study("run");
    EXPECT_EQ(run.code, 0) << run.text;
    const Answer status = on_study("status");
    EXPECT_THAT(status.text, HasSubstr("toy: 5 done\n"));
    const Answer report = on_study("report");
    EXPECT_EQ(report.code, 0);
    EXPECT_THAT(report.text, HasSubstr("minmax"));
    EXPECT_THAT(report.text, HasSubstr("n = 23 images"));
    const Answer again = on_study("run");
    EXPECT_EQ(again.code, 0);
    EXPECT_THAT(again.text, HasSubstr("23 of 23 units need not run"));
    const Answer stats = on_study("stats");
    EXPECT_EQ(stats.code, 0);
    EXPECT_THAT(stats.text, HasSubstr("blocks.0.mlp.fc2:input"));
    const Answer scope = on_study("inspect");
    EXPECT_EQ(scope.code, 0);
    EXPECT_THAT(scope.text, HasSubstr("16 of 16 sites quantized"));
}

TEST_F(Cli, ReportKeepsTheTablesOfResultsThatAreNotItsOwn) {
    ASSERT_EQ(on_study("run").code, 0);
    const fs::path folder = toy.folder / "results" / "toy";
    const std::string before = read_text(folder / "tables" / "results.csv", 1U << 20);
    write_text(folder / "numerics.json", R"({"numerics": "another machine"})");
    EXPECT_THAT(on_study("status").text, HasSubstr("toy: 5 stale\n"));
    const Answer report = on_study("report");
    EXPECT_EQ(report.code, 2) << report.text;
    EXPECT_THAT(report.text, HasSubstr("none of this program's"));
    EXPECT_THAT(report.text, HasSubstr("run the study again"));
    EXPECT_EQ(read_text(folder / "tables" / "results.csv", 1U << 20), before);
}

Json json_of(const Answer& answer) {
    EXPECT_EQ(answer.code, 0) << answer.text;
    return parse_json(answer.text, "stdout");
}

TEST_F(Cli, InspectCountsWorkAndSize) {
    const Json all = json_of(on_study("inspect --json"));
    EXPECT_EQ(all.at("sites").size(), 16U);
    EXPECT_EQ(all.at("bits"), "W8A8");
    const Json& totals = all.at("totals");
    EXPECT_EQ(totals.at("macs"), totals.at("quantized_macs"));
    EXPECT_EQ(totals.at("float_bytes"), 4 * totals.at("parameters").get<std::int64_t>());
    std::int64_t macs = 0;
    for (const auto& node : all.at("nodes")) macs += node.at("macs").get<std::int64_t>();
    EXPECT_EQ(totals.at("macs"), macs);
    const double eight = totals.at("memory_ratio");
    EXPECT_GT(eight, 0.25);
    EXPECT_LT(json_of(on_study("inspect --experiment 2 --json"))["totals"]["memory_ratio"], eight);
    EXPECT_THAT(on_study("inspect").text, HasSubstr("100.0 % of them with both operands"));
    EXPECT_THAT(on_study("inspect --nodes").text, HasSubstr("blocks.0.attn.scores"));
}

// Lines of a table begin their second column at one place, whatever the names' length.
TEST_F(Cli, InspectKeepsItsColumnsForLongNames) {
    const std::string study = (test::source_folder() / "experiments/swin_micro.toml").string();
    setenv("AOCQ_DATA", "/nowhere", 1);
    const Answer answer = call("inspect " + study);
    ASSERT_EQ(answer.code, 0) << answer.text;
    const std::size_t place = answer.text.find("kind");
    std::size_t lines = 0, start = 0;
    for (std::size_t end = answer.text.find('\n'); end > start;
         end = answer.text.find('\n', start)) {
        const std::string line = answer.text.substr(start, end - start);
        EXPECT_EQ(line.substr(place - 2, 2), "  ") << line;
        EXPECT_NE(line[place], ' ') << line;
        start = end + 1;
        ++lines;
    }
    EXPECT_GT(lines, 60U);
}

TEST_F(Cli, InspectListsAFileOfWeights) {
    const std::string file = (toy.folder / "toy.safetensors").string();
    const Json all = json_of(call("inspect --json --weights " + file));
    EXPECT_EQ(all.at("format"), "safetensors");
    EXPECT_EQ(all.at("tensors").size(), 20U);
    EXPECT_EQ(all.at("tensors")[0].at("dtype"), "F32");
    EXPECT_EQ(all.at("bytes"), 4 * all.at("values").get<std::int64_t>());
    const Json checked = json_of(on_study("validate --json"));
    EXPECT_EQ(all.at("fingerprint"), checked.at("models")[0].at("weights"));
    EXPECT_THAT(call("inspect --weights " + file).text, HasSubstr("[96, 24]"));
    const std::string pth = (test::source_folder() / "tests/golden/nn/nested.pth").string();
    EXPECT_EQ(json_of(call("inspect --json --weights " + pth)).at("format"), "PyTorch");
    EXPECT_EQ(call("inspect").code, 2);
    EXPECT_EQ(call("inspect --weights /nowhere").code, 2);
    EXPECT_EQ(on_study("inspect --weights " + file).code, 2);
}

TEST_F(Cli, ValidateAnswersInJson) {
    const Json found = json_of(on_study("validate --json"));
    EXPECT_EQ(found.at("study"), "toy");
    EXPECT_EQ(found.at("experiments"), 5);
    EXPECT_EQ(found.at("data").size(), 2U);
    EXPECT_EQ(found.at("float")[0].at("known"), Json::array());
    EXPECT_EQ(found.at("float_gate"), "stop");
}

TEST_F(Cli, RecordedFloatCountIsKnownAfterwards) {
    const fs::path file = toy.folder / "configs/float/mine.toml";
    EXPECT_THAT(on_study("validate").text, HasSubstr("no known count"));
    const Answer first = on_study("validate --record-float " + file.string());
    ASSERT_EQ(first.code, 0) << first.text;
    const std::string recorded = read_text(file);
    EXPECT_THAT(recorded, HasSubstr("model = \"toy\""));
    EXPECT_THAT(on_study("validate").text, HasSubstr("of 23 images right"));
    EXPECT_EQ(on_study("validate --record-float " + file.string()).code, 0);
    EXPECT_EQ(read_text(file), recorded);  // known by now
}

// A count that the float model cannot have: 23 images, of which it gets few right.
TEST_F(Cli, FloatModelThatMissesItsKnownCountStopsTheStudy) {
    const fs::path file = toy.folder / "configs/float/mine.toml";
    ASSERT_EQ(on_study("validate --record-float " + file.string()).code, 0);
    EXPECT_EQ(on_study("run").code, 0);
    std::string text = read_text(file);
    const std::size_t place = text.find("top1 = ") + 7;
    text.replace(place, text.find('\n', place) - place, "23");
    write_text(file, text);
    EXPECT_EQ(on_study("run").code, 0);  // finished before: nothing is left to judge

    const std::string fresh = " --results " + (toy.folder / "fresh").string();
    const Answer run = call("run " + toy.file().string() + fresh);
    EXPECT_EQ(run.code, 3) << run.text;
    EXPECT_THAT(run.text, HasSubstr("does not have its known accuracy"));
    EXPECT_THAT(run.text, HasSubstr("mean and std"));
    EXPECT_THAT(call("status " + toy.file().string() + fresh).text,
                HasSubstr("toy: 1 done, 4 failed\n"));
    EXPECT_EQ(on_study("validate --record-float " + file.string()).code, 2);

    const Answer warned = call("run " + toy.file().string() + fresh + " --set float_gate=warn");
    EXPECT_EQ(warned.code, 0) << warned.text;
    EXPECT_THAT(warned.text, HasSubstr("does not have its known accuracy"));
}

TEST_F(Cli, PlanFileRunsWithoutTheStudy) {
    ASSERT_EQ(on_study("plan").code, 0);
    fs::path plan;
    for (const auto& entry : fs::directory_iterator(toy.folder / "results/toy/plans"))
        plan = entry.path();
    fs::remove(toy.file());
    EXPECT_EQ(call("run " + plan.string() + results()).code, 0);
}

TEST_F(Cli, HelpNamesEveryCommand) {
    const Answer help = call("--help");
    EXPECT_EQ(help.code, 0);
    for (const char* command :
         {"plan", "run", "status", "report", "inspect", "stats", "validate", "train"}) {
        EXPECT_THAT(help.text, HasSubstr(command));
        EXPECT_EQ(call(fmt::format("{} --help", command)).code, 0);
    }
    EXPECT_EQ(call("").code, 2);
    EXPECT_EQ(call("pln").code, 2);
    EXPECT_EQ(call("run").code, 2);
}

TEST_F(Cli, UnknownKeyNamesFileLineAndTheNearestKey) {
    toy.replace("passes = [", "pases = [");
    const Answer answer = refusal();
    EXPECT_THAT(answer.text, HasSubstr("method"));
    toy.replace("pases = [", "passes = [");
    toy.replace("images = 10", "imags = 10");
    const std::string text = refusal().text;
    EXPECT_THAT(text, HasSubstr("unknown key: did you mean 'images'?"));
    EXPECT_THAT(text, HasSubstr("data.calibration.imags"));
}

TEST_F(Cli, UnknownTopLevelKeyNamesItsLine) {
    toy.replace("bits = \"W8A8\"", "bits = \"W8A8\"\nsed = 1");
    const std::string text = refusal().text;
    EXPECT_THAT(text, HasSubstr("did you mean 'seed'?"));
    EXPECT_THAT(text, HasSubstr("line=4"));
}

TEST_F(Cli, WrongTypeUnsetVariableAndMissingFile) {
    toy.replace("width = 24", "width = \"wide\"");
    EXPECT_THAT(refusal().text, HasSubstr("wanted=integer"));
    toy.replace("width = \"wide\"", "width = 24");
    toy.replace("toy.safetensors", "${AOCQ_SURELY_UNSET}/toy.safetensors");
    EXPECT_THAT(refusal().text, HasSubstr("AOCQ_SURELY_UNSET"));
    toy.replace("${AOCQ_SURELY_UNSET}/toy.safetensors", "nowhere.safetensors");
    EXPECT_THAT(refusal().text, HasSubstr("nowhere.safetensors"));
    EXPECT_EQ(call("run /nowhere/study.toml").code, 2);
}

TEST_F(Cli, DamagedWeightsOfEveryKind) {
    const fs::path weights = toy.folder / "toy.safetensors";
    const std::string whole = read_text(weights);
    write_text(weights, whole.substr(0, whole.size() / 2));
    EXPECT_THAT(refusal().text, HasSubstr("damaged safetensors file"));
    std::string oversized = whole;
    oversized[7] = '\x7f';
    write_text(weights, oversized);
    EXPECT_THAT(refusal().text, HasSubstr("header claims to be larger"));
    std::string nan = whole;
    nan.replace(nan.size() - 4, 4, std::string("\xff\xff\xff\x7f", 4));
    write_text(weights, nan);
    EXPECT_THAT(refusal().text, HasSubstr("a weight is not finite"));
    write_text(weights, whole);
    toy.replace("width = 24", "width = 26");
    EXPECT_THAT(refusal().text, HasSubstr("wrong_shape="));
}

TEST_F(Cli, EmptyDatasetAndTruncatedImage) {
    const std::string from =
        "kind = \"generated\"\nsplit = \"evaluation\"\ncount = 23\nimage_size = 64";
    fs::create_directories(toy.folder / "images/a");
    toy.replace(from, "kind = \"folder\"\nroot = \"images\"");
    EXPECT_EQ(refusal().code, 2);
    const fs::path jpeg = test::source_folder() / "tests/golden/data";
    fs::path some;
    for (const auto& entry : fs::recursive_directory_iterator(jpeg)) {
        if (entry.path().extension() == ".jpg" || entry.path().extension() == ".jpeg")
            some = entry.path();
    }
    ASSERT_FALSE(some.empty());
    const std::string bytes = read_text(some);
    write_text(toy.folder / "images/a/cut.jpg", bytes.substr(0, bytes.size() / 2));
    const Answer run = on_study("run");
    EXPECT_EQ(run.code, 3) << run.text;  // the experiment fails, the study ends
    EXPECT_THAT(run.text, HasSubstr("cut.jpg"));
    EXPECT_THAT(on_study("status").text, HasSubstr("failed"));
}

TEST_F(Cli, BatchZeroAndImpossibleBits) {
    toy.replace("batch = 4", "batch = 0");
    EXPECT_THAT(refusal().text, HasSubstr("data.evaluation.batch"));
    toy.replace("batch = 0", "batch = 4");
    for (const char* bits : {"W1A8", "W9A9"}) {
        toy.text.replace(toy.text.find("\"W4A4\""), 6, fmt::format("\"{}\"", bits));
        toy.write();
        EXPECT_THAT(refusal().text, HasSubstr(bits));
        toy.text.replace(toy.text.find(bits), 4, "W4A4");
    }
}

TEST_F(Cli, RuleThatMatchesNothingNamesItsLine) {
    toy.replace("[[axis]]", "[[rule]]\nname = \"block.9.*\"\nbits = 4\n[[axis]]");
    const std::string text = refusal().text;
    EXPECT_THAT(text, HasSubstr("a rule matches no site"));
    EXPECT_THAT(text, HasSubstr("toy.toml"));
    EXPECT_THAT(text, HasSubstr("line="));
}

TEST_F(Cli, UnwritableOutputAndForeignFolder) {
    write_text(toy.folder / "plain", "x");
    const Answer answer =
        call("run " + toy.file().string() + " --results " + (toy.folder / "plain").string());
    EXPECT_EQ(answer.code, 2) << answer.text;
    write_text(toy.folder / "results/toy/study.json", R"({"format":1,"study":"other"})");
    const Answer foreign = on_study("run");
    EXPECT_EQ(foreign.code, 2);
    EXPECT_THAT(foreign.text, HasSubstr("belongs to something else"));
}

TEST_F(Cli, OverridesWinAndWrongOnesAreRefused) {
    const Answer small =
        call("plan " + toy.file().string() + results() + " --set data.evaluation.images=8 --json");
    EXPECT_EQ(small.code, 0) << small.text;
    EXPECT_THAT(small.text, HasSubstr("\"images\": 8"));
    EXPECT_EQ(call("plan " + toy.file().string() + results() + " --set nonsense").code, 2);
    EXPECT_EQ(call("plan " + toy.file().string() + results() + " --set model.widht=3").code, 2);
}

}  // namespace
}  // namespace aocq
