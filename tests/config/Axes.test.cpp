// SPDX-License-Identifier: Apache-2.0
// Axes: product, zip, subsets, exclude, and every way to get them wrong.
#include "config/ConfigFixture.hpp"
#include "core/Text.hpp"

namespace aocq::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class AxesTest : public ConfigTest {
  protected:
    // "W4A4/plain" for every quantized experiment: the coordinates in order.
    std::vector<std::string> points(const std::string& axes) {
        std::vector<std::string> all;
        for (const auto& experiment : study(base_study + axes).experiments) {
            if (experiment.bits.is_float()) continue;
            std::vector<std::string> values;
            for (const auto& [key, value] : experiment.coordinates) {
                values.push_back(value.is_string() ? value.get<std::string>() : value.dump());
            }
            all.push_back(join(values, "/"));
        }
        return all;
    }
};

const std::string bits_axis = "[[axis]]\nkey = \"bits\"\nvalues = [\"W8A8\", \"W4A4\"]\n";
const std::string seed_axis = "[[axis]]\nkey = \"seed\"\nvalues = [1, 2]\n";

TEST_F(AxesTest, ProductHasTheLastAxisFastest) {
    EXPECT_THAT(points(bits_axis + seed_axis), ElementsAre("W8A8/1", "W8A8/2", "W4A4/1", "W4A4/2"));
}

TEST_F(AxesTest, ValuesArriveInTheExperiments) {
    const Study study = this->study(base_study + bits_axis + seed_axis +
                                    "[[axis]]\nkey = \"method.pass[0].steps\"\nvalues = [7]\n"
                                    "[[axis]]\nkey = \"data.calibration.images\"\nvalues = [32]\n");
    const Experiment& last = study.experiments.back();
    EXPECT_EQ(last.bits, (BitWidths{4, 4}));
    EXPECT_EQ(last.seed, 2U);
    EXPECT_EQ(last.method["pass"][0]["steps"], 7);
    EXPECT_EQ(last.method["pass"][0]["kind"], "fit");
    EXPECT_EQ(last.calibration["images"], 32);
    EXPECT_THAT(study.axis_keys,
                ElementsAre("bits", "seed", "method.pass[0].steps", "data.calibration.images"));
}

TEST_F(AxesTest, SubsetsCountInBinaryFromTheEmptySet) {
    EXPECT_THAT(points("[[axis]]\nkey = \"method.levels\"\nsubsets = [\"a\", \"b\", \"c\"]\n"),
                ElementsAre("[]", R"(["a"])", R"(["b"])", R"(["a","b"])", R"(["c"])",
                            R"(["a","c"])", R"(["b","c"])", R"(["a","b","c"])"));
}

TEST_F(AxesTest, ZipChangesKeysTogether) {
    EXPECT_THAT(points("[[axis]]\nzip = { \"method.use\" = [\"plain\", \"full\"], "
                       "\"bits\" = [\"W8A8\", \"W4A4\"] }\n" +
                       seed_axis),
                ElementsAre("W8A8/plain/1", "W8A8/plain/2", "W4A4/full/1", "W4A4/full/2"));
}

TEST_F(AxesTest, ZipTakesUnquotedKeysToo) {
    EXPECT_THAT(points("[[axis]]\nzip = { method.use = [\"plain\", \"full\"], seed = [1, 2] }\n"),
                ElementsAre("plain/1", "full/2"));
}

TEST_F(AxesTest, ExcludeDropsWhatMatchesAllConditions) {
    EXPECT_THAT(points(bits_axis + seed_axis + "[[exclude]]\nbits = \"W8A8\"\nseed = 2\n"),
                ElementsAre("W8A8/1", "W4A4/1", "W4A4/2"));
}

TEST_F(AxesTest, ExcludeTakesQuotedKeyPathsAndLists) {
    EXPECT_THAT(
        points(bits_axis + "[[axis]]\nkey = \"method.levels\"\nsubsets = [\"a\"]\n"
                           "[[exclude]]\n\"method.levels\" = [\"a\"]\n\"bits\" = \"W4A4\"\n"),
        ElementsAre("W8A8/[]", R"(W8A8/["a"])", "W4A4/[]"));
}

TEST_F(AxesTest, ExcludeThatDropsNothingIsAnError) {
    const Error error = this->error(base_study + bits_axis + "[[exclude]]\nbits = \"W2A2\"\n");
    EXPECT_EQ(error.problem(), "an exclude drops nothing");
    EXPECT_EQ(line_of(error), "20");
    EXPECT_EQ(fields_of(error, {"key", "found"}), "key=exclude[0] found=bits=W2A2");
}

TEST_F(AxesTest, ExcludeOverNoAxisNamesTheNearest) {
    const Error error = this->error(base_study + bits_axis + "[[exclude]]\nbts = \"W8A8\"\n");
    EXPECT_EQ(error.remedy(), "did you mean 'bits'?");
    EXPECT_EQ(line_of(error), "21");
    EXPECT_EQ(fields_of(error, {"key", "wanted"}), "key=exclude[0].bts wanted=one of bits");
}

TEST_F(AxesTest, ExcludingEverythingIsAnError) {
    const Error error =
        this->error(base_study + seed_axis + "[[exclude]]\nseed = 1\n[[exclude]]\nseed = 2\n");
    EXPECT_EQ(error.problem(), "the excludes drop everything");
    const Error empty = this->error(base_study + seed_axis + "[[exclude]]\n");
    EXPECT_EQ(fields_of(empty, {"key", "line"}), "key=exclude[0] line=20");
}

struct Fault {
    const char* axes;
    const char* problem;
    const char* fields;  // line key found
};

TEST_F(AxesTest, FaultsNameTheirPlace) {
    const std::vector<Fault> faults = {
        {"[[axis]]\nkey = \"bits\"\nvalues = []\n", "an axis without values",
         "line=19 key=axis[0].values found="},
        {"[[axis]]\nkey = \"method.levels\"\nsubsets = []\n", "an axis without values",
         "line=19 key=axis[0].subsets found="},
        {"[[axis]]\nkey = \"bits\"\nvalues = \"W4A4\"\n", "wrong type in the configuration",
         "line=19 key=axis[0].values found=string"},
        {"[[axis]]\nkey = \"bits\"\n", "an axis needs either values or subsets",
         "line=18 key=axis[0].key found="},
        {"[[axis]]\nkey = \"bits\"\nvalues = [\"W4A4\"]\nsubsets = [1]\n",
         "an axis needs either values or subsets", "line=20 key=axis[0].subsets found="},
        {"[[axis]]\nvalues = [1]\n", "a required key is missing", "line=17 key=axis[0].key found="},
        {"[[axis]]\nkee = \"bits\"\nvalues = [1]\n", "unknown key",
         "line=18 key=axis[0].kee found="},
        {"[[axis]]\nkey = \"bits\"\nvalues = [\"W8A8\",\n\"W1A8\"]\n", "bit-width out of range",
         "line=20 key=axis[0].values[1] found=W1A8"},
        {"[[axis]]\nkey = \"bits\"\nvalues = [8]\n", "wrong type in the configuration",
         "line=19 key=axis[0].values[0] found=8"},
        {"[[axis]]\nkey = \"seed\"\nvalues = [-1]\n", "not a seed",
         "line=19 key=axis[0].values[0] found=-1"},
        {"[[axis]]\nkey = \"bits\"\nvalues = [\"W8A8\", \"W8A8\"]\n", "an axis has a value twice",
         "line=19 key=axis[0].values[1] found=[\"W8A8\"]"},
        {"[[axis]]\nkey = \"seed\"\nvalues = [1]\n[[axis]]\nkey = \"seed\"\nvalues = [2]\n",
         "two axes go over the same key", "line=21 key=axis[1].key found=seed"},
        {"[[axis]]\nkey = \"model.preprocess\"\nvalues = [{}]\n"
         "[[axis]]\nkey = \"model.preprocess.size\"\nvalues = [2]\n",
         "an axis goes over a part of another axis' key",
         "line=21 key=axis[1].key found=model.preprocess.size"},
        {"[[axis]]\nzip = { bits = [\"W8A8\"], seed = [1, 2] }\n",
         "the lists of a zip differ in length", "line=18 key=axis[0].zip.seed found=2 values"},
        {"[[axis]]\nzip = { }\n", "wrong type in the configuration",
         "line=18 key=axis[0].zip found={}"},
        {"[[axis]]\nkey = \"bits\"\nzip = { seed = [1] }\n", "an axis has either zip or key",
         "line=18 key=axis[0].key found="},
    };
    for (const auto& fault : faults) {
        const Error error = this->error(base_study + fault.axes);
        EXPECT_EQ(error.kind(), ErrorKind::config) << fault.axes;
        EXPECT_EQ(error.problem(), fault.problem) << fault.axes;
        line_of(error);
        EXPECT_EQ(fields_of(error, {"line", "key", "found"}), fault.fields) << fault.axes;
    }
}

TEST_F(AxesTest, KeysThatNoAxisMayHave) {
    for (const char* key :
         {"name", "schema", "run.threads", "axis", "table", "model", "data", "data.evaluation",
          "data.other.x", "modell.use", "model..x", "model.", "bits.x", ""}) {
        const Error error =
            this->error(base_study + "[[axis]]\nkey = \"" + key + "\"\nvalues = [1]\n");
        EXPECT_EQ(error.problem(), "no axis can go over this key") << key;
        EXPECT_EQ(line_of(error), "18");
        EXPECT_EQ(error.field("found"), key);
    }
    const Error error = this->error(base_study + "[[axis]]\nkey = \"modl.use\"\nvalues = [1]\n");
    EXPECT_EQ(error.remedy(), "did you mean 'model.use'?");
}

TEST_F(AxesTest, MissingParentNamesTheNearest) {
    const Error error =
        this->error(base_study + "[[axis]]\nkey = \"model.preproces.size\"\nvalues = [1]\n");
    EXPECT_EQ(error.remedy(), "did you mean 'model.preprocess.size'?");
    EXPECT_EQ(line_of(error), "18");
    EXPECT_EQ(fields_of(error, {"key", "found"}), "key=axis[0].key found=model.preproces.size");
}

TEST_F(AxesTest, ElementBeyondAListIsRefused) {
    const Error error =
        this->error(base_study + "[[axis]]\nkey = \"method.pass[4].steps\"\nvalues = [1]\n");
    EXPECT_EQ(error.problem(), "an axis goes over a key whose table does not exist");
    EXPECT_EQ(error.field("key"), "axis[0].key");
}

TEST_F(AxesTest, TooManyExperimentsAreRefusedBeforeTheyAreMade) {
    std::string axes;
    for (const char* key : {"a", "b", "c", "d"}) {
        axes += "[[axis]]\nkey = \"method." + std::string(key) +
                "\"\nsubsets = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]\n";
    }
    const Error error = this->error(base_study + axes);
    EXPECT_EQ(error.problem(), "the axes give too many experiments");
    EXPECT_EQ(fields_of(error, {"key", "wanted"}), "key=axis[1] wanted=at most 100000");
}

TEST_F(AxesTest, SubsetsOfTooManyElementsAreRefused) {
    std::string list = "0";
    for (int i = 1; i < 60; ++i) list += ", " + std::to_string(i);
    const Error error =
        this->error(base_study + "[[axis]]\nkey = \"method.levels\"\nsubsets = [" + list + "]\n");
    EXPECT_EQ(fields_of(error, {"key", "found"}), "key=axis[0].subsets found=60");
}

TEST_F(AxesTest, EqualContentOnTwoWaysNamesBoth) {
    write("configs/methods/copy.toml", "extends = \"plain.toml\"\n");
    const Error error = this->error(
        base_study + "[[axis]]\nkey = \"method.use\"\nvalues = [\"plain\", \"copy\"]\n");
    EXPECT_EQ(error.problem(), "two combinations of the axes give the same experiment");
    EXPECT_EQ(fields_of(error, {"first", "second"}),
              "first=method.use=plain second=method.use=copy");
    EXPECT_EQ(line_of(error), "17");
}

}  // namespace
}  // namespace aocq::config
