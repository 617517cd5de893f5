// SPDX-License-Identifier: Apache-2.0
// `use`: merging under the section, unknown names, names that would leave the folder.
#include "config/ConfigFixture.hpp"

namespace aocq::config {
namespace {

using FragmentsTest = ConfigTest;

TEST_F(FragmentsTest, SectionsOwnKeysWin) {
    const Study study = this->study(base_study + "[model.preprocess]\ncrop = 0.9\n");
    const Experiment& experiment = study.experiments[1];
    EXPECT_EQ(experiment.model,
              Json::parse(R"({"family":"vit","width":64,"preprocess":{"size":32,"crop":0.9}})"));
    EXPECT_EQ(experiment.calibration, Json::parse(R"({"kind":"folder","batch":4,"images":8})"));
    EXPECT_EQ(experiment.evaluation, Json::parse(R"({"kind":"folder","batch":4,"images":16})"));
    EXPECT_EQ(experiment.method["name"], "m");
    EXPECT_EQ(experiment.method["pass"][0]["steps"], 3);
    const std::map<std::string, std::string> uses = {{"model", "small"},
                                                     {"method", "plain"},
                                                     {"data.calibration", "tiny"},
                                                     {"data.evaluation", "tiny"}};
    EXPECT_EQ(experiment.uses, uses);
}

TEST_F(FragmentsTest, FileTakenInMayExtendAnother) {
    const Study study = this->study(base_study, {"method.use=full"});
    EXPECT_EQ(study.experiments[1].method["levels"], (Json{"operator", "loss"}));
    EXPECT_EQ(study.experiments[1].method["pass"][0]["kind"], "fit");
}

TEST_F(FragmentsTest, FileTakenInMayNotUseAnother) {
    write("configs/methods/chained.toml", "\nuse = \"plain\"\n");
    const Error error = this->error(base_study, {"method.use=chained"});
    EXPECT_EQ(error.field("file"), file("configs/methods/chained.toml").string());
    EXPECT_EQ(fields_of(error, {"key", "line"}), "key=use line=2");
}

TEST_F(FragmentsTest, UnknownNameListsWhatThereIs) {
    std::string text = base_study;
    text.replace(text.find("small"), 5, "smal");
    const Error error = this->error(text);
    EXPECT_EQ(line_of(error), "5");
    EXPECT_EQ(fields_of(error, {"key", "found", "wanted"}),
              "key=model.use found=smal wanted=one of large, small");
    EXPECT_EQ(error.remedy(), "did you mean 'small'?");
}

TEST_F(FragmentsTest, UnknownNameOfAnAxisIsPlacedAtItsValue) {
    const Error error = this->error(
        base_study + "[[axis]]\nkey = \"method.use\"\nvalues = [\"plain\",\n\"ful\"]\n");
    EXPECT_EQ(line_of(error), "20");
    EXPECT_EQ(fields_of(error, {"key", "found"}), "key=axis[0].values[1] found=ful");
    EXPECT_EQ(error.remedy(), "did you mean 'full'?");
}

TEST_F(FragmentsTest, NameMustNotLeaveTheFolder) {
    for (const char* name : {"../models/small", "/etc/x", "a/b", "", ".hidden", ".."}) {
        const Error error = this->error(base_study, {"model.use=\"" + std::string(name) + "\""});
        EXPECT_EQ(error.problem(), "'use' wants a plain name") << name;
        EXPECT_EQ(error.field("key"), "model.use");
    }
}

TEST_F(FragmentsTest, NameMustBeText) {
    const Error error = this->error(base_study, {"model.use=3"});
    EXPECT_EQ(fields_of(error, {"file", "key", "found"}), "file=--set key=model.use found=3");
}

TEST_F(FragmentsTest, ConfigsFolderMayBeNamed) {
    write("elsewhere/models/small.toml", "family = \"other\"\n");
    write("study.toml", "[model]\nuse = \"small\"\n");
    LoadOptions options;
    options.configs = file("elsewhere");
    const Document document = load_document(file("study.toml"), options);
    EXPECT_EQ(document.fragments.at("models/small").tree["family"], "other");
}

TEST_F(FragmentsTest, ConfigsFolderIsLookedForUpwards) {
    write("a/b/study.toml", "[model]\nuse = \"small\"\n");
    EXPECT_EQ(load_file("a/b/study.toml").configs, file("configs"));
}

TEST_F(FragmentsTest, VariablesAndFilePathsOfAFileTakenInAreFinished) {
    environment_ = {{"NAME", "n"}};
    write("configs/models/own.toml", "weights = \"w.st\"\nnote = \"${NAME}\"\n");
    const Document document = load("[model]\nuse = \"own\"\n");
    const Json& tree = document.fragments.at("models/own").tree;
    EXPECT_EQ(tree["weights"], file("configs/models/w.st").string());
    EXPECT_EQ(tree["note"], "n");
}

TEST_F(FragmentsTest, AxisOverUseChangesTheWholeSection) {
    const Study study = this->study(
        base_study + "[[axis]]\nkey = \"model.use\"\nvalues = [\"small\", \"large\"]\n");
    ASSERT_EQ(study.experiments.size(), 4U);
    EXPECT_EQ(study.experiments[2].model["width"], 64);
    EXPECT_EQ(study.experiments[3].model["width"], 128);
    EXPECT_EQ(study.experiments[3].uses.at("model"), "large");
}

// What is known of float models: every file of configs/float, in the order of names.
TEST_F(FragmentsTest, FloatCountsOfAllFilesAreTakenIn) {
    EXPECT_EQ(study(base_study).float_counts, Json::array());
    write("configs/float/b.toml", "[[count]]\ntop1 = 2\n");
    write("configs/float/a.toml", "[[count]]\ntop1 = 1\n[[count]]\ntop1 = 3\n");
    write("configs/float/notes.txt", "not TOML");
    const Study found = study(base_study);
    EXPECT_EQ(found.float_counts, Json::parse(R"([{"top1":1},{"top1":3},{"top1":2}])"));
    EXPECT_EQ(study_from_json(to_json(found)).float_counts, found.float_counts);
}

TEST_F(FragmentsTest, FileOfFloatCountsWithSomethingElseIsRefused) {
    write("configs/float/a.toml", "[[count]]\ntop1 = 1\n[[cuont]]\ntop1 = 2\n");
    const Error error = this->error(base_study);
    EXPECT_EQ(error.field("file"), file("configs/float/a.toml").string());
    EXPECT_EQ(fields_of(error, {"key", "line"}), "key=cuont line=3");
}

TEST_F(FragmentsTest, FloatGateIsOneOfItsWords) {
    EXPECT_EQ(study(base_study).float_gate, FloatGate::stop);
    const Study warns = study(base_study, {"float_gate=warn"});
    EXPECT_EQ(warns.float_gate, FloatGate::warn);
    EXPECT_EQ(study_from_json(to_json(warns)).float_gate, FloatGate::warn);
    EXPECT_EQ(error(base_study, {"float_gate=no"}).field("key"), "float_gate");
}

}  // namespace
}  // namespace aocq::config
