// SPDX-License-Identifier: Apache-2.0
// The place of a key that the owner of a section complains about.
#include "config/ConfigFixture.hpp"

namespace aocq::config {
namespace {

class LocatedTest : public ConfigTest {
  protected:
    std::string place(const Error& error) const {
        const std::string name = fs::path(error.field("file")).filename().string();
        return name + ":" + error.field("line");
    }
    static Error complaint(const char* key) { return Error::config("no").at("key", key); }
};

const std::string model_axis =
    "[[axis]]\nkey = \"model.use\"\nvalues = [\"small\",\n\"large\"]\n"
    "[[axis]]\nkey = \"method.levels\"\nvalues = [[],\n[\"loss\"]]\n";

TEST_F(LocatedTest, OwnKeysAreInTheStudy) {
    const Document document = load(base_study);
    EXPECT_EQ(place(located(document, complaint("data.calibration.images"))), "study.toml:8");
    EXPECT_EQ(place(located(document, complaint("run.threads"))), "study.toml:16");
}

TEST_F(LocatedTest, KeysTakenInAreInTheirFile) {
    const Document document = load(base_study);
    EXPECT_EQ(place(located(document, complaint("model.preprocess.size"))), "small.toml:4");
    EXPECT_EQ(place(located(document, complaint("method.pass[0].steps"))), "plain.toml:4");
}

TEST_F(LocatedTest, MissingKeyIsAtItsNearestParent) {
    const Document document = load(base_study);
    EXPECT_EQ(place(located(document, complaint("model.heads"))), "study.toml:4");
    EXPECT_EQ(place(located(document, complaint("model.preprocess.crop"))), "small.toml:3");
    EXPECT_EQ(place(located(document, complaint("nothing.at.all"))), "study.toml:1");
}

TEST_F(LocatedTest, ExperimentTellsWhichFileAndWhichValueAreMeant) {
    const Document document = load(base_study + model_axis);
    const Study study = expand(document);
    const Experiment& last = study.experiments.back();
    EXPECT_EQ(place(located(document, last, complaint("model.width"))), "large.toml:2");
    EXPECT_EQ(place(located(document, study.experiments[0], complaint("model.width"))),
              "small.toml:2");
    EXPECT_EQ(place(located(document, last, complaint("method.levels[0]"))), "study.toml:24");
    EXPECT_EQ(place(located(document, complaint("method.levels"))), "study.toml:23");
}

TEST_F(LocatedTest, ErrorWithoutKeyOrWithAFileStaysAsItIs) {
    const Document document = load(base_study);
    EXPECT_EQ(located(document, Error::config("no")).fields().size(), 0U);
    const Error placed = located(document, complaint("model.width").at("file", "x"));
    EXPECT_EQ(fields_of(placed, {"file", "line"}), "file=x line=");
}

}  // namespace
}  // namespace aocq::config
