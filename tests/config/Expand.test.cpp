// SPDX-License-Identifier: Apache-2.0
// The typed study: float experiments, required and unknown keys with their place.
#include "config/ConfigFixture.hpp"

namespace aocq::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using ExpandTest = ConfigTest;

TEST_F(ExpandTest, StudyWithoutAxesHasAFloatAndAQuantizedExperiment) {
    const Study study = this->study(base_study + "[[rule]]\nkind = \"residual\"\nbits = 8\n",
                                    {"seed=5", "description=words"});
    EXPECT_EQ(study.name, "example");
    EXPECT_EQ(study.description, "words");
    EXPECT_EQ(study.run.threads, 2);
    EXPECT_EQ(study.run.device, "auto");
    ASSERT_EQ(study.experiments.size(), 2U);
    const Experiment& reference = study.experiments[0];
    EXPECT_TRUE(reference.bits.is_float());
    EXPECT_EQ(reference.float_index, 0);
    EXPECT_EQ(reference.seed, 0U);
    EXPECT_TRUE(reference.method.is_null());
    EXPECT_TRUE(reference.calibration.is_null());
    EXPECT_TRUE(reference.rules.is_null());
    EXPECT_EQ(reference.uses.size(), 2U);
    const Experiment& quantized = study.experiments[1];
    EXPECT_EQ(quantized.bits, (BitWidths{4, 4}));
    EXPECT_EQ(quantized.seed, 5U);
    EXPECT_EQ(quantized.float_index, 0);
    EXPECT_EQ(quantized.rules, Json::parse(R"([{"kind":"residual","bits":8}])"));
}

TEST_F(ExpandTest, FloatExperimentsComeFirstAndAreShared) {
    const Study study =
        this->study(base_study +
                    "[[axis]]\nkey = \"bits\"\nvalues = [\"W8A8\", \"W4A4\"]\n"
                    "[[axis]]\nkey = \"model.use\"\nvalues = [\"small\", \"large\"]\n"
                    "[[axis]]\nkey = \"method.use\"\nvalues = [\"plain\", \"full\"]\n");
    ASSERT_EQ(study.experiments.size(), 2U + 8U);
    using Pair = std::pair<std::string, Json>;
    EXPECT_THAT(study.experiments[0].coordinates, ElementsAre(Pair("model.use", "small")));
    EXPECT_THAT(study.experiments[1].coordinates, ElementsAre(Pair("model.use", "large")));
    EXPECT_EQ(study.experiments[1].float_index, 1);
    for (std::size_t i = 2; i < study.experiments.size(); ++i) {
        const Experiment& experiment = study.experiments[i];
        EXPECT_FALSE(experiment.bits.is_float());
        EXPECT_EQ(experiment.coordinates.size(), 3U);
        const bool large = experiment.uses.at("model") == "large";
        EXPECT_EQ(experiment.float_index, large ? 1 : 0);
    }
}

TEST_F(ExpandTest, EvaluationImagesMakeAnotherFloatExperimentAndCalibrationImagesDoNot) {
    const Study study =
        this->study(base_study +
                    "[[axis]]\nkey = \"data.evaluation.images\"\nvalues = [16, 32]\n"
                    "[[axis]]\nkey = \"data.calibration.images\"\nvalues = [8, 4, 2]\n");
    EXPECT_EQ(study.experiments.size(), 2U + 6U);
    EXPECT_EQ(study.experiments[1].evaluation["images"], 32);
    EXPECT_EQ(study.experiments.back().float_index, 1);
}

TEST_F(ExpandTest, FloatAmongTheBitsIsTheFloatExperiment) {
    const Study study = this->study(base_study +
                                    "[[axis]]\nkey = \"bits\"\nvalues = [\"float\", \"W8A8\"]\n"
                                    "[[axis]]\nkey = \"seed\"\nvalues = [1, 2]\n");
    ASSERT_EQ(study.experiments.size(), 1U + 2U);
    EXPECT_TRUE(study.experiments[0].bits.is_float());
    EXPECT_THAT(study.experiments[0].coordinates, IsEmpty());
}

TEST_F(ExpandTest, FloatStudyNeedsNoMethod) {
    const Study study = this->study(
        "schema = 1\nname = \"f\"\nbits = \"float\"\n[model]\nuse = \"small\"\n"
        "[data.evaluation]\nuse = \"tiny\"\n");
    EXPECT_EQ(study.experiments.size(), 1U);
}

TEST_F(ExpandTest, CalibrationMayBeAbsent) {
    const Study study = this->study(
        "schema = 1\nname = \"f\"\nbits = \"W8A8\"\n[model]\nuse = \"small\"\n"
        "[data.evaluation]\nuse = \"tiny\"\n[method]\nuse = \"plain\"\n");
    EXPECT_TRUE(study.experiments[1].calibration.is_null());
    EXPECT_TRUE(study.experiments[1].rules.is_array());
}

// A line of the base study taken away or replaced, and what the error says.
struct Fault {
    const char* line;
    const char* instead;
    const char* problem;
    const char* fields;  // line key
    const char* remedy;
};

TEST_F(ExpandTest, FaultsNameLineKeyAndRemedy) {
    const std::vector<Fault> faults = {
        {"schema = 1\n", "schema = 2\n", "value out of range", "line=1 key=schema", ""},
        {"schema = 1\n", "\n", "a required key is missing", "line=1 key=schema", ""},
        {"name = \"example\"\n", "name = \"Example 1\"\n",
         "not a name that can become a file's name", "line=2 key=name", ""},
        {"name = \"example\"\n", "nmae = \"example\"\n", "unknown key", "line=2 key=nmae",
         "did you mean 'name'?"},
        {"bits = \"W4A4\"\n", "bits = \"W9A9\"\n", "bit-width out of range", "line=3 key=bits", ""},
        {"bits = \"W4A4\"\n", "bits = 4\n", "wrong type in the configuration", "line=3 key=bits",
         ""},
        {"bits = \"W4A4\"\n", "\n", "a required key is missing", "line=1 key=bits", ""},
        {"bits = \"W4A4\"\n", "bits = \"W4A4\"\nseed = -1\n", "value out of range",
         "line=4 key=seed", ""},
        {"[model]\n", "[mdoel]\n", "unknown key", "line=4 key=mdoel", "did you mean 'model'?"},
        {"[model]\nuse = \"small\"\n", "model = 3\n", "wrong type in the configuration",
         "line=4 key=model", ""},
        {"[data.calibration]\n", "[data.calibraton]\n", "unknown key", "line=6 key=data.calibraton",
         "did you mean 'calibration'?"},
        {"[data.evaluation]\n", "[method.x]\n", "a required key is missing",
         "line=6 key=data.evaluation", ""},
        {"[method]\nuse = \"plain\"\nname = \"m\"\n", "", "a required key is missing",
         "line=1 key=method", ""},
        {"threads = 2\n", "treads = 2\n", "unknown key", "line=16 key=run.treads",
         "did you mean 'threads'?"},
        {"threads = 2\n", "threads = 0\n", "value out of range", "line=16 key=run.threads", ""},
        {"threads = 2\n", "device = \"cude\"\n", "unknown value", "line=16 key=run.device",
         "did you mean 'cuda'?"},
        {"threads = 2\n", "threads = 2\n[rule]\na = 1\n", "wrong type in the configuration",
         "line=17 key=rule", ""},
    };
    for (const auto& fault : faults) {
        std::string text = base_study;
        const auto at = text.find(fault.line);
        ASSERT_NE(at, std::string::npos) << fault.line;
        text.replace(at, std::string(fault.line).size(), fault.instead);
        const Error error = this->error(text);
        EXPECT_EQ(error.kind(), ErrorKind::config) << fault.instead;
        EXPECT_EQ(error.problem(), fault.problem) << fault.instead << error.what();
        EXPECT_EQ(error.field("file"), file("study.toml").string()) << fault.instead;
        EXPECT_EQ(fields_of(error, {"line", "key"}), fault.fields) << fault.instead;
        EXPECT_EQ(error.remedy(), fault.remedy) << fault.instead;
    }
}

}  // namespace
}  // namespace aocq::config
