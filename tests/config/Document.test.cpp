// SPDX-License-Identifier: Apache-2.0
// Loading: syntax errors with their place, extends, environment variables, relative file paths.
#include <fmt/format.h>

#include "config/ConfigFixture.hpp"

namespace aocq::config {
namespace {

using testing::HasSubstr;
using DocumentTest = ConfigTest;

TEST_F(DocumentTest, SyntaxErrorHasFileLineAndColumn) {
    const Error error = error_of([&] { load("a = 1\nb = [1, 2\nc = 3\n"); });
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_EQ(error.problem(), "not valid TOML");
    EXPECT_EQ(error.field("file"), file("study.toml").string());
    EXPECT_EQ(fields_of(error, {"line", "column"}), "line=3 column=1");
    EXPECT_FALSE(error.reason().empty());
}

TEST_F(DocumentTest, KeyGivenTwiceIsRefused) {
    EXPECT_EQ(error_of([&] { load("a = 1\na = 2\n"); }).field("line"), "2");
}

TEST_F(DocumentTest, KeysRememberTheirPlace) {
    const Document document = load("a = 1\n[b]\nc = [1,\n  2]\n[[d]]\ne = 1\n[[d]]\ne = 2\n");
    EXPECT_EQ(document.origins.at("a").line, 1);
    EXPECT_EQ(document.origins.at("b").line, 2);
    EXPECT_EQ(document.origins.at("b.c").line, 3);
    EXPECT_EQ(document.origins.at("b.c[1]").line, 4);
    EXPECT_EQ(document.origins.at("b.c[1]").column, 3);
    EXPECT_EQ(document.origins.at("d[1].e").line, 8);
    EXPECT_EQ(document.tree, Json::parse(R"({"a":1,"b":{"c":[1,2]},"d":[{"e":1},{"e":2}]})"));
}

TEST_F(DocumentTest, DatesAndInfinityAreRefused) {
    const Error date = error_of([&] { load("a = 1\nb = 2020-01-01\n"); });
    EXPECT_EQ(fields_of(date, {"line", "key"}), "line=2 key=b");
    const Error infinite = error_of([&] { load("a = [1.0, inf]\n"); });
    EXPECT_EQ(fields_of(infinite, {"line", "key"}), "line=1 key=a[1]");
}

TEST_F(DocumentTest, DeepNestingIsRefused) {
    const std::string text = "a = " + std::string(60, '[') + std::string(60, ']') + "\n";
    EXPECT_EQ(error_of([&] { load(text); }).problem(), "nested too deeply");
}

TEST_F(DocumentTest, FileBeyondOneMebibyteIsRefused) {
    const Error error = error_of([&] { load("# " + std::string(1U << 20, 'x') + "\n"); });
    EXPECT_EQ(error.problem(), "file is too large");
    EXPECT_EQ(error.field("file"), file("study.toml").string());
}

TEST_F(DocumentTest, MissingFileIsNamed) {
    const Error error = error_of([&] { load_file("none.toml"); });
    EXPECT_EQ(error.kind(), ErrorKind::input);
    EXPECT_EQ(error.field("file"), file("none.toml").string());
}

TEST_F(DocumentTest, LaterFilesAndTheFileItselfWin) {
    write("parts/one.toml", "a = 1\nb = 1\nc = 1\n[t]\nx = 1\ny = 1\n[[l]]\nv = 1\n[[l]]\nv = 2\n");
    write("parts/two.toml", "b = 2\nc = 2\n[t]\ny = 2\n");
    const Document document =
        load("extends = [\"parts/one.toml\", \"parts/two.toml\"]\nc = 3\n[[l]]\nw = 3\n");
    EXPECT_EQ(document.tree, Json::parse(R"({"a":1,"b":2,"c":3,"t":{"x":1,"y":2},"l":[{"w":3}]})"));
    EXPECT_EQ(document.origins.at("a").file, file("parts/one.toml").string());
    EXPECT_EQ(document.origins.at("t.y").file, file("parts/two.toml").string());
    EXPECT_EQ(document.origins.at("t.x").line, 5);
    EXPECT_EQ(document.origins.at("l[0].w").file, file("study.toml").string());
    EXPECT_FALSE(document.origins.contains("l[1]"));
    EXPECT_FALSE(document.origins.contains("l[0].v"));
}

TEST_F(DocumentTest, ExtendsStartsAtTheIncludingFile) {
    write("parts/a.toml", "extends = \"deeper/b.toml\"\n");
    write("parts/deeper/b.toml", "x = 5\n");
    EXPECT_EQ(load("extends = \"parts/a.toml\"\n").tree, (Json{{"x", 5}}));
}

TEST_F(DocumentTest, CircleOfExtendsShowsTheChain) {
    write("a.toml", "x = 1\nextends = \"b.toml\"\n");
    write("b.toml", "extends = \"a.toml\"\n");
    const Error error = error_of([&] { load("extends = \"a.toml\"\n"); });
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_EQ(error.field("chain"), file("study.toml").string() + " -> " + file("a.toml").string() +
                                        " -> " + file("b.toml").string() + " -> " +
                                        file("a.toml").string());
    EXPECT_EQ(error.field("file"), file("b.toml").string());
    EXPECT_EQ(fields_of(error, {"line", "key"}), "line=1 key=extends");
}

TEST_F(DocumentTest, FileThatExtendsItselfIsACircle) {
    EXPECT_THAT(error_of([&] { load("extends = \"./study.toml\"\n"); }).problem(),
                HasSubstr("circle"));
}

TEST_F(DocumentTest, TwoWaysToTheSameFileAreNoCircle) {
    write("base.toml", "x = 1\n");
    write("a.toml", "extends = \"base.toml\"\n");
    write("b.toml", "extends = \"base.toml\"\ny = 2\n");
    EXPECT_EQ(load("extends = [\"a.toml\", \"b.toml\"]\n").tree, (Json{{"x", 1}, {"y", 2}}));
}

TEST_F(DocumentTest, DepthAndNumberOfExtendedFilesAreBounded) {
    for (int i = 0; i < 20; ++i) {
        write(fmt::format("f{}.toml", i), fmt::format("extends = \"f{}.toml\"\n", i + 1));
        write(fmt::format("g{}.toml", i),
              fmt::format("extends = [\"g{0}.toml\", \"g{0}.toml\"]\n", i + 1));
    }
    write("f20.toml", "x = 1\n");
    write("g12.toml", "x = 1\n");
    EXPECT_EQ(error_of([&] { load_file("f0.toml"); }).field("wanted"), "at most 16 levels");
    EXPECT_EQ(error_of([&] { load_file("g0.toml"); }).problem(), "too many files are extended");
}

TEST_F(DocumentTest, MissingExtendedFileIsNamed) {
    const Error error = error_of([&] { load("a = 1\nextends = [\"none.toml\"]\n"); });
    EXPECT_EQ(error.problem(), "an extended file does not exist");
    EXPECT_EQ(fields_of(error, {"line", "key", "found"}),
              "line=2 key=extends found=" + file("none.toml").string());
}

TEST_F(DocumentTest, VariablesAreReplacedEverywhere) {
    environment_ = {{"WHO", "world"}, {"N_1", "x"}, {"EMPTY", ""}};
    const Document document =
        load("a = \"hello ${WHO}\"\nb = [\"${N_1}${N_1}\", { c = \"<${EMPTY}>\" }]\n");
    EXPECT_EQ(document.tree, Json::parse(R"({"a":"hello world","b":["xx",{"c":"<>"}]})"));
}

TEST_F(DocumentTest, EscapedVariableStaysAndValuesAreNotReplacedAgain) {
    environment_ = {{"A", "${B}"}};
    const Document document = load("a = \"$${A} costs $5\"\nb = \"${A}\"\nc = \"$$${A}\"\n");
    EXPECT_EQ(document.tree.at("a"), "${A} costs $5");
    EXPECT_EQ(document.tree.at("b"), "${B}");
    EXPECT_EQ(document.tree.at("c"), "$${A}");
}

TEST_F(DocumentTest, UnsetVariableIsNamedWithItsPlace) {
    const Error error =
        error_of([&] { load("x = 1\n[data]\nroot = [\"a\", \"${NOT_SET}/b\"]\n"); });
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_EQ(line_of(error), "3");
    EXPECT_EQ(fields_of(error, {"variable", "key"}), "variable=NOT_SET key=data.root[1]");
}

TEST_F(DocumentTest, UnsetVariableOfAnExtendedFileIsPlacedThere) {
    write("base.toml", "\n\na = \"${NOT_SET}\"\n");
    const Error error = error_of([&] { load("extends = \"base.toml\"\n"); });
    EXPECT_EQ(error.field("file"), file("base.toml").string());
    EXPECT_EQ(error.field("line"), "3");
}

TEST_F(DocumentTest, OverriddenValueNeedsNoVariable) {
    EXPECT_EQ(load("a = \"${NOT_SET}\"\n", {"a=1"}).tree, (Json{{"a", 1}}));
}

TEST_F(DocumentTest, MalformedVariableIsRefused) {
    for (const char* text : {"${", "${}", "${1A}", "${A B}", "x${A"}) {
        const Error error = error_of([&] { load("a = \"" + std::string(text) + "\"\n"); });
        EXPECT_EQ(error.problem(), "not the name of an environment variable") << text;
        EXPECT_EQ(error.field("key"), "a");
    }
}

TEST_F(DocumentTest, FilePathsStartAtTheFileThatHoldsThem) {
    environment_ = {{"ABSOLUTE", "/data"}};
    write("parts/base.toml",
          "[model]\nweights = \"../w/m.safetensors\"\nnote = \"../w\"\n"
          "[data.evaluation]\nroot = \"val\"\nlist = \"${ABSOLUTE}/x/../list.txt\"\n"
          "[data.calibration]\nsynsets = \"s.txt\"\n");
    const Document document = load(
        "extends = \"parts/base.toml\"\n[data.calibration]\nroot = \"./calib\"\n"
        "[[table]]\npublished = { file = \"p.csv\" }\n"
        "[[axis]]\nkey = \"model.weights\"\nvalues = [\"a.st\", \"/b.st\"]\n"
        "[[axis]]\nzip = { \"data.evaluation.root\" = [\"v1\"], \"model.note\" = [\"v1\"] }\n");
    const Json& tree = document.tree;
    EXPECT_EQ(tree["model"]["weights"], file("w/m.safetensors").string());
    EXPECT_EQ(tree["model"]["note"], "../w");
    EXPECT_EQ(tree["data"]["evaluation"]["root"], file("parts/val").string());
    EXPECT_EQ(tree["data"]["evaluation"]["list"], "/data/list.txt");
    EXPECT_EQ(tree["data"]["calibration"]["synsets"], file("parts/s.txt").string());
    EXPECT_EQ(tree["data"]["calibration"]["root"], file("calib").string());
    EXPECT_EQ(tree["table"][0]["published"]["file"], file("p.csv").string());
    EXPECT_EQ(tree["axis"][0]["values"], (Json{file("a.st").string(), "/b.st"}));
    EXPECT_EQ(tree["axis"][1]["zip"]["data.evaluation.root"][0], file("v1").string());
    EXPECT_EQ(tree["axis"][1]["zip"]["model.note"][0], "v1");
}

TEST_F(DocumentTest, FilePathOfAnOverrideStartsAtTheWorkingFolder) {
    const Document document = load("[model]\nweights = \"a\"\n", {"model.weights=w/x.st"});
    EXPECT_EQ(document.tree["model"]["weights"], (fs::current_path() / "w/x.st").string());
}

}  // namespace
}  // namespace aocq::config
