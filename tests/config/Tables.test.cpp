// SPDX-License-Identifier: Apache-2.0
// [[table]]: what it may show, and its published numbers.
#include "config/ConfigFixture.hpp"

namespace aocq::config {
namespace {

using testing::ElementsAre;
using testing::Pair;
using TablesTest = ConfigTest;

// Lines 17 to 22.
const std::string axes =
    "[[axis]]\nkey = \"bits\"\nvalues = [\"W8A8\", \"W4A4\"]\n"
    "[[axis]]\nkey = \"method.use\"\nvalues = [\"plain\", \"full\"]\n";

TEST_F(TablesTest, ReadsEverythingThatATableSays) {
    const Study study = this->study(base_study + axes + R"([[table]]
name = "main"
caption = "Top-1"
rows = ["model.use", "method.use"]
columns = "bits"
cell = ["top1", "kl"]
[table.published]
file = "published/x.csv"
model = "DeiT-T"
tolerance = 0.5
methods = { "full" = "AOCQ", "plain 1.0" = ["MinMax", "a rerun"] }
)");
    ASSERT_EQ(study.tables.size(), 1U);
    const TableSpec& table = study.tables[0];
    EXPECT_EQ(table.name, "main");
    EXPECT_EQ(table.caption, "Top-1");
    EXPECT_THAT(table.rows, ElementsAre("model.use", "method.use"));
    EXPECT_THAT(table.columns, ElementsAre("bits"));
    EXPECT_THAT(table.cells, ElementsAre("top1", "kl"));
    EXPECT_EQ(table.published.file, file("published/x.csv").string());
    EXPECT_EQ(table.published.model, "DeiT-T");
    EXPECT_EQ(table.published.tolerance, 0.5);
    EXPECT_THAT(table.published.methods,
                ElementsAre(Pair("full", ElementsAre("AOCQ")),
                            Pair("plain 1.0", ElementsAre("MinMax", "a rerun"))));
}

TEST_F(TablesTest, ConstantBitsAndModelMayBeShownAndTop1IsTheDefault) {
    const Study study = this->study(
        base_study + "[[table]]\nname = \"t\"\nrows = \"model.use\"\ncolumns = \"bits\"\n");
    EXPECT_THAT(study.tables[0].cells, ElementsAre("top1"));
}

TEST_F(TablesTest, EffectsGoOverAnAxisOfSetsOnly) {
    const std::string bits = "[[axis]]\nkey = \"bits\"\nvalues = [\"W8A8\", \"W4A4\"]\n";
    const std::string sets = "[[axis]]\nkey = \"method.levels\"\nsubsets = [\"a\", \"b\"]\n";
    const auto table = [](const std::string& effects, const std::string& cell) {
        return "[[table]]\nname = \"t\"\nrows = \"model.use\"\ncolumns = \"bits\"\neffects = \"" +
               effects + "\"\ncell = \"" + cell + "\"\n";
    };
    const Study study = this->study(base_study + bits + sets + table("method.levels", "kl"));
    EXPECT_EQ(study.tables[0].effects, "method.levels");
    EXPECT_EQ(study_from_json(to_json(study)).tables[0].effects, "method.levels");
    // A name that is no axis, an axis of something else, and a metric that no image has.
    EXPECT_EQ(fields_of(this->error(base_study + bits + sets + table("model.use", "kl")),
                        {"key", "found"}),
              "key=table[0].effects found=model.use");
    const std::string seeds = "[[axis]]\nkey = \"seed\"\nvalues = [1, 2]\n";
    EXPECT_EQ(
        fields_of(this->error(base_study + bits + seeds + table("seed", "kl")), {"key", "found"}),
        "key=table[0].effects found=seed = 1");
    EXPECT_EQ(fields_of(this->error(base_study + bits + sets + table("method.levels", "memory")),
                        {"key", "found"}),
              "key=table[0].cell found=memory");
}

struct Fault {
    const char* table;   // from line 24 on
    const char* fields;  // line key found
    const char* remedy;
};

TEST_F(TablesTest, FaultsNameTheirPlace) {
    const std::vector<Fault> faults = {
        {"rows = \"method.us\"\ncolumns = \"bits\"\n", "line=25 key=table[0].rows found=method.us",
         "did you mean 'method.use'?"},
        {"rows = \"method.use\"\ncolumns = \"bit\"\n", "line=26 key=table[0].columns found=bit",
         "did you mean 'bits'?"},
        {"rows = \"bits\"\ncolumns = \"bits\"\n", "line=26 key=table[0].columns found=bits", ""},
        {"rows = []\ncolumns = \"bits\"\n", "line=25 key=table[0].rows found=", ""},
        {"rows = \"method.use\"\ncolumns = \"bits\"\ncell = \"top2\"\n",
         "line=27 key=table[0].cell found=top2", "did you mean 'top1'?"},
        {"row = \"method.use\"\ncolumns = \"bits\"\n",
         "line=25 key=table[0].row found=", "did you mean 'rows'?"},
        {"rows = \"method.use\"\ncolumns = \"bits\"\npublished = { model = \"x\" }\n",
         "line=27 key=table[0].published.file found=", ""},
        {"rows = \"method.use\"\ncolumns = \"bits\"\npublished = { file = \"x\", tolerance = -1 "
         "}\n",
         "line=27 key=table[0].published.tolerance found=-1", ""},
        {"rows = \"method.use\"\ncolumns = \"bits\"\npublished = { file = \"x\", methods = { a = 1 "
         "} "
         "}\n",
         "line=27 key=table[0].published.methods.a found=1", ""},
    };
    for (const auto& fault : faults) {
        const Error error =
            this->error(base_study + axes + "[[table]]\nname = \"t\"\n" + fault.table);
        line_of(error);
        EXPECT_EQ(fields_of(error, {"line", "key", "found"}), fault.fields) << error.what();
        EXPECT_EQ(error.remedy(), fault.remedy) << fault.table;
    }
}

TEST_F(TablesTest, TwoTablesOfOneNameAreRefused) {
    const std::string table =
        "[[table]]\nname = \"t\"\nrows = \"method.use\"\ncolumns = \"bits\"\n";
    const Error error = this->error(base_study + axes + table + table);
    EXPECT_EQ(line_of(error), "28");
    EXPECT_EQ(fields_of(error, {"key", "found"}), "key=table[1].name found=t");
}

}  // namespace
}  // namespace aocq::config
