// SPDX-License-Identifier: Apache-2.0
// The flat folder of ILSVRC's validation images with the development kit's ground truth.
#include <gmock/gmock.h>

#include <fmt/format.h>

#include <algorithm>

#include "DatasetChecks.hpp"
#include "core/Random.hpp"
#include "core/Text.hpp"
#include "data/IlsvrcFolder.hpp"
#include "data/IlsvrcLabels.hpp"
#include "data/ImageFolder.hpp"
#include "support/TempFolder.hpp"

namespace aocq::data {
namespace {

using test::error_of;
using test::labels;
using test::names;
using test::put_image;
using testing::ElementsAre;
using testing::HasSubstr;

// Three classes; the kit numbers them 1 = n03, 2 = n01, 3 = n02, and 4 is an inner node.
class Ilsvrc : public testing::Test {
  protected:
    void SetUp() override {
        put_image(folder_ / "val/ILSVRC2012_val_00000001.JPEG");
        put_image(folder_ / "val/ILSVRC2012_val_00000002.JPEG", "rgb8.png");
        put_image(folder_ / "val/ILSVRC2012_val_00000004.JPEG");
        files_.root = folder_ / "val";
        files_.synsets = file("synsets.txt", "n01 first\nn02\nn03\n");
        files_.ground_truth = file("truth.txt", "3\n1\n2\n2\n");
        files_.ids = file("ids.txt", kit);
        files_.order = LabelOrder::ilsvrc;
    }
    fs::path file(const char* name, std::string_view text) const {
        write_text(folder_ / name, text);
        return folder_ / name;
    }
    Error refusal() const {
        Error error = error_of([&] { IlsvrcFolder dataset(files_); });
        EXPECT_EQ(error.kind(), ErrorKind::input) << error.what();
        return error;
    }

    static constexpr const char* kit = "1 n03 third\n2 n01 first\n3 n02 second\n4 n00 thing\n";
    test::TempFolder folder_;
    IlsvrcFiles files_;
};

TEST_F(Ilsvrc, IdsOfTheKitBecomePlacesAmongTheSortedSynsets) {
    const IlsvrcFolder dataset(files_);
    EXPECT_THAT(names(dataset),
                ElementsAre("n01/ILSVRC2012_val_00000004.JPEG", "n02/ILSVRC2012_val_00000001.JPEG",
                            "n03/ILSVRC2012_val_00000002.JPEG"));
    EXPECT_THAT(labels(dataset), ElementsAre(0, 1, 2));
    EXPECT_EQ(dataset.classes(), 3);
    EXPECT_EQ(dataset.load(2).width, 61);
}

TEST_F(Ilsvrc, IsTheClassFoldersInAnotherLayout) {
    put_image(folder_ / "tree/n01/ILSVRC2012_val_00000004.JPEG");
    put_image(folder_ / "tree/n02/ILSVRC2012_val_00000001.JPEG");
    put_image(folder_ / "tree/n03/ILSVRC2012_val_00000002.JPEG", "rgb8.png");
    EXPECT_EQ(IlsvrcFolder(files_).fingerprint(),
              ImageFolder(folder_ / "tree", files_.synsets).fingerprint());
}

TEST_F(Ilsvrc, NumbersMayBeInSynsetOrderFromZeroOrOne) {
    files_.ids.clear();
    files_.order = LabelOrder::synset_from_1;
    EXPECT_THAT(labels(IlsvrcFolder(files_)), ElementsAre(0, 1, 2));
    EXPECT_THAT(names(IlsvrcFolder(files_)).front(), HasSubstr("00000002"));
    files_.order = LabelOrder::synset_from_0;
    files_.ground_truth = file("truth.txt", "2\r\n0\r\n1\r\n1\r\n\r\n");
    EXPECT_THAT(names(IlsvrcFolder(files_)).front(), HasSubstr("00000002"));
}

TEST_F(Ilsvrc, RefusesNumbersThatTheDeclaredOrderCannotHave) {
    files_.order = LabelOrder::synset_from_0;
    const Error high = refusal();
    EXPECT_EQ(high.field("file"), files_.ground_truth.string() + ":1");
    EXPECT_EQ(high.field("wanted"), "0 to 2");
    EXPECT_THAT(high.remedy(), HasSubstr("order"));
    files_.order = LabelOrder::synset_from_1;
    files_.ground_truth = file("truth.txt", "1\n1\n0\n2\n");  // line 3: an image that is not here
    EXPECT_EQ(refusal().field("file"), files_.ground_truth.string() + ":3");
    files_.order = LabelOrder::ilsvrc;
    files_.ground_truth = file("truth.txt", "1\n4\n1\n1\n");  // an inner node
    EXPECT_EQ(refusal().field("found"), "4");
}

TEST_F(Ilsvrc, RefusesIdsInSynsetOrder) {
    files_.ids = file("ids.txt", "1 n01\n2 n02\n3 n03\n");
    const Error error = refusal();
    EXPECT_THAT(error.problem(), HasSubstr("order of the synsets"));
    EXPECT_THAT(error.remedy(), HasSubstr("order"));
}

TEST_F(Ilsvrc, TakesTheKitsListInSeveralForms) {
    const auto good = IlsvrcFolder(files_).fingerprint();
    for (const char* text : {"id,synset\r\n1,n03\r\n2,n01\r\n3,n02\r\n", "1\tn03\n\n2\tn01\n3\tn02",
                             "ILSVRC2012_ID WNID words\n1 n03 a, b\n2 n01 c\n3 n02 d\n"}) {
        files_.ids = file("ids.txt", text);
        EXPECT_EQ(IlsvrcFolder(files_).fingerprint(), good) << text;
    }
}

TEST_F(Ilsvrc, RefusesWrongListsOfIds) {
    for (const char* text :
         {"", "1 n03\n2 n01\n", "1 n03\n2 n01\n3 n02\n1 n04\n", "1 n03\n2 n01\n3 n02\n4 n02\n",
          "1 n03\nn01 2\n3 n02\n", "1 n03\n2\n3 n02\n", "1 n03\n-2 n01\n3 n02\n"}) {
        files_.ids = file("ids.txt", text);
        EXPECT_THAT(refusal().field("file"), HasSubstr("ids.txt")) << text;
    }
}

TEST_F(Ilsvrc, RefusesWrongGroundTruth) {
    for (const char* text : {"", "\n", "1\n\n2\n2\n", "1\nx\n2\n2\n", "1 2 3 2\n", "1\n-1\n2\n2\n",
                             "1\n99999999999\n2\n2\n"}) {
        files_.ground_truth = file("truth.txt", text);
        EXPECT_THAT(refusal().field("file"), HasSubstr("truth.txt")) << text;
    }
}

TEST_F(Ilsvrc, RefusesImagesWithoutANumberThatIsKnown) {
    for (const char* name :
         {"cat.jpg", "ILSVRC2012_val_00000005.JPEG", "ILSVRC2012_val_00000000.JPEG",
          "ILSVRC2012_val_1x.JPEG", "_.jpg", "val_-1.jpg", "ILSVRC2012_val_00000002.png"}) {
        put_image(files_.root / name);
        EXPECT_EQ(refusal().field("file"), (files_.root / name).string());
        fs::remove(files_.root / name);
    }
    write_text(files_.root / "readme.txt", "no image");
    EXPECT_EQ(IlsvrcFolder(files_).size(), 3U);
}

TEST_F(Ilsvrc, RefusesAnUnsortedListOfClasses) {
    files_.synsets = file("synsets.txt", "n01\nn03\nn02\n");
    EXPECT_THAT(refusal().problem(), HasSubstr("not sorted"));
}

// Twenty real validation images out of 50,000, with a kit's list of ids in an order of its own.
TEST(RealIlsvrc, AgreesWithTheClassFolders) {
    AOCQ_REAL_DATA_OR_SKIP(data);
    const fs::path root = data / "imagenet/ilsvrc2012_val20";
    const fs::path synsets = data / "imagenet/imagenet_synsets.txt";
    const ImageFolder tree(root, synsets);
    const auto ids = random_permutation(RandomKey(1), 1000);  // by class index, from 0
    const auto classes = split(read_text(synsets), '\n');
    std::string kit;
    for (std::size_t i = 0; i < 1000; ++i) kit += fmt::format("{} {}\n", ids[i] + 1, classes[i]);
    const test::TempFolder folder;
    make_folder(folder / "val");
    std::vector<int> truth(50000, 1);
    for (std::size_t i = 0; i < tree.size(); ++i) {
        const std::string file = fs::path(tree.name(i)).filename().string();
        fs::copy_file(root / tree.name(i), folder / "val" / file);
        truth[std::stoul(file.substr(15, 8)) - 1] =
            static_cast<int>(ids[static_cast<std::size_t>(tree.label(i))]) + 1;
    }
    std::string lines;
    for (const int id : truth) lines += fmt::format("{}\n", id);
    write_text(folder / "truth.txt", lines);
    write_text(folder / "ids.txt", kit);
    const IlsvrcFolder flat(
        {folder / "val", folder / "truth.txt", synsets, LabelOrder::ilsvrc, folder / "ids.txt"});
    EXPECT_EQ(names(flat), names(tree));
    EXPECT_EQ(flat.fingerprint(), tree.fingerprint());
    // The wrong order passes every check of numbers here; its labels are others, as the float
    // model's accuracy will show.
    const IlsvrcFolder wrong(
        {folder / "val", folder / "truth.txt", synsets, LabelOrder::synset_from_1, {}});
    EXPECT_NE(wrong.fingerprint(), tree.fingerprint());
}

}  // namespace
}  // namespace aocq::data
