// SPDX-License-Identifier: Apache-2.0
// Class folders and lists: order, labels, fingerprints, and every way a user's files can be wrong.
#include <gmock/gmock.h>

#include "DatasetChecks.hpp"
#include "data/CsvList.hpp"
#include "data/ImageFolder.hpp"
#include "support/TempFolder.hpp"

namespace aocq::data {
namespace {

using test::error_of;
using test::labels;
using test::names;
using testing::ElementsAre;
using testing::HasSubstr;

class FileDatasets : public testing::Test {
  protected:
    void SetUp() override {
        test::put_image(root() / "beta" / "b.jpg");
        test::put_image(root() / "beta" / "B.JPEG", "rgb8.png");
        test::put_image(root() / "alpha" / "10.png", "rgb8.png");
        test::put_image(root() / "alpha" / "9.JPG");
        test::put_image(root() / "Zeta" / "x.jpg");
    }
    fs::path root() const { return folder_ / "images"; }
    fs::path file(const char* name, std::string_view text) const {
        write_text(folder_ / name, text);
        return folder_ / name;
    }
    CsvList csv(std::string_view text) const { return {file("list.csv", text), root(), {}}; }

    test::TempFolder folder_;
};

TEST_F(FileDatasets, FolderIsInBytewiseOrder) {
    const ImageFolder dataset(root(), {});
    EXPECT_THAT(names(dataset), ElementsAre("Zeta/x.jpg", "alpha/10.png", "alpha/9.JPG",
                                            "beta/B.JPEG", "beta/b.jpg"));
    EXPECT_THAT(labels(dataset), ElementsAre(0, 1, 1, 2, 2));
    EXPECT_EQ(dataset.classes(), 3);
    EXPECT_EQ(dataset.load(3).width, 61);
    EXPECT_EQ(dataset.load(4).width, 1);
}

TEST_F(FileDatasets, FolderPassesOverWhatIsNoImage) {
    write_text(root() / "alpha" / "notes.txt", "no image");
    write_text(root() / "alpha" / "._9.JPG", "a file manager's shadow");
    write_text(root() / ".hidden" / "x.jpg", "no class");
    write_text(root() / "readme.jpg", "not in a class folder");
    make_folder(root() / "alpha" / "folder.png");
    EXPECT_EQ(ImageFolder(root(), {}).size(), 5U);
    EXPECT_EQ(ImageFolder(root(), {}).classes(), 3);
}

TEST_F(FileDatasets, SynsetListFixesTheLabels) {
    const fs::path list = file("synsets.txt", "beta the second\nother\nZeta\t6th\nalpha\n");
    const ImageFolder dataset(root(), list);
    EXPECT_THAT(labels(dataset), ElementsAre(2, 3, 3, 0, 0));
    EXPECT_EQ(dataset.classes(), 4);
}

TEST_F(FileDatasets, ClassFolderMissingFromTheListIsAnError) {
    const fs::path list = file("synsets.txt", "alpha\nbetta\nZeta\n");
    const Error error = error_of([&] { ImageFolder(root(), list); });
    EXPECT_EQ(error.kind(), ErrorKind::input);
    EXPECT_EQ(error.field("file"), list.string());
    EXPECT_EQ(error.field("found"), "beta");
    EXPECT_THAT(error.what(), HasSubstr("did you mean "));
}

TEST_F(FileDatasets, WrongSynsetListsAreErrors) {
    for (const char* text : {"", "\n\n", "alpha\nbeta\nalpha\nZeta\n"}) {
        const fs::path list = file("synsets.txt", text);
        EXPECT_EQ(error_of([&] { ImageFolder(root(), list); }).kind(), ErrorKind::input) << text;
    }
    const Error missing = error_of([&] { ImageFolder(root(), folder_ / "none.txt"); });
    EXPECT_EQ(missing.field("file"), (folder_ / "none.txt").string());
}

TEST_F(FileDatasets, ClassesMayBeMoreThanFoundButNotFewer) {
    EXPECT_EQ(ImageFolder(root(), {}, 1000).classes(), 1000);
    const Error error = error_of([&] { ImageFolder(root(), {}, 2); });
    EXPECT_EQ(error.kind(), ErrorKind::config);
    EXPECT_EQ(error.field("found"), "3");
}

TEST_F(FileDatasets, EmptyOrMissingFolderIsAnErrorThatNamesIt) {
    make_folder(folder_ / "empty" / "class");
    const Error empty = error_of([&] { ImageFolder(folder_ / "empty", {}); });
    EXPECT_EQ(empty.kind(), ErrorKind::input);
    EXPECT_EQ(empty.field("file"), (folder_ / "empty").string());
    const Error missing = error_of([&] { ImageFolder(folder_ / "missing", {}); });
    EXPECT_EQ(missing.kind(), ErrorKind::input);
    EXPECT_EQ(missing.field("file"), (folder_ / "missing").string());
}

TEST_F(FileDatasets, DamagedImageIsAnErrorThatNamesIt) {
    write_text(root() / "alpha" / "0.jpg", "no JPEG");
    const ImageFolder dataset(root(), {});
    const Error error = error_of([&] { dataset.load(1); });
    EXPECT_EQ(error.kind(), ErrorKind::input);
    EXPECT_EQ(error.field("file"), (root() / "alpha/0.jpg").string());
}

TEST_F(FileDatasets, FingerprintIsOfTheContentNotOfThePlace) {
    const std::string before = ImageFolder(root(), {}).fingerprint();
    fs::copy(root(), folder_ / "elsewhere", fs::copy_options::recursive);
    EXPECT_EQ(ImageFolder(folder_ / "elsewhere", {}).fingerprint(), before);
    EXPECT_EQ(before.size(), 64U);

    fs::rename(root() / "beta/b.jpg", root() / "beta/c.jpg");
    const std::string renamed = ImageFolder(root(), {}).fingerprint();
    EXPECT_NE(renamed, before);
    fs::resize_file(root() / "beta/c.jpg", 10);
    EXPECT_NE(ImageFolder(root(), {}).fingerprint(), renamed);
    const fs::path list = file("synsets.txt", "beta\nalpha\nZeta\n");
    EXPECT_NE(ImageFolder(folder_ / "elsewhere", list).fingerprint(), before);
}

TEST_F(FileDatasets, ListKeepsItsOrder) {
    const CsvList dataset = csv("path,label\r\nbeta/b.jpg,4\r\n\r\nalpha/10.png, 0\r\n");
    EXPECT_THAT(names(dataset), ElementsAre("beta/b.jpg", "alpha/10.png"));
    EXPECT_THAT(labels(dataset), ElementsAre(4, 0));
    EXPECT_EQ(dataset.classes(), 5);
    EXPECT_EQ(dataset.load(1).width, 61);
}

TEST_F(FileDatasets, ListNeedsNoHeaderAndTakesCommasInPaths) {
    test::put_image(root() / "alpha" / "a,b.jpg");
    const CsvList dataset = csv("alpha/a,b.jpg,1\nbeta/b.jpg,0");
    EXPECT_THAT(names(dataset), ElementsAre("alpha/a,b.jpg", "beta/b.jpg"));
}

TEST_F(FileDatasets, ListMayUseBlanksInsteadOfCommas) {
    test::put_image(root() / "alpha" / "a b.jpg");
    const CsvList dataset = csv("image class\nalpha/a b.jpg 1\r\nbeta/b.jpg\t0\n");
    EXPECT_THAT(names(dataset), ElementsAre("alpha/a b.jpg", "beta/b.jpg"));
    EXPECT_THAT(labels(dataset), ElementsAre(1, 0));
}

TEST_F(FileDatasets, ListMayNameClasses) {
    const fs::path synsets = file("synsets.txt", "Zeta\nalpha\nbeta\n");
    const fs::path list = file("list.csv", "file,class\nbeta/b.jpg,beta\nZeta/x.jpg,0\n");
    const CsvList dataset(list, root(), synsets);
    EXPECT_THAT(labels(dataset), ElementsAre(2, 0));
    EXPECT_EQ(dataset.classes(), 3);
}

TEST_F(FileDatasets, ListWithAMistakeIsAnErrorWithItsLine) {
    const auto place = (folder_ / "list.csv").string() + ":2";
    for (const char* line : {"../secret.jpg,0", "alpha/../../secret.jpg,0", "/etc/passwd,0", ",0",
                             "beta/b.jpg", "beta/b.jpg,cat", "beta/b.jpg,-1", "beta/b.jpg,1.5",
                             "beta/b.jpg,99999999999", "beta/b.jpg,2000000", "beta/b.jpg,"}) {
        const Error error = error_of([&] { csv(std::string("alpha/10.png,0\n") + line); });
        EXPECT_EQ(error.kind(), ErrorKind::input) << line;
        EXPECT_EQ(error.field("file"), place) << line;
    }
}

TEST_F(FileDatasets, ListThatNamesAMissingFileIsAnErrorThatNamesBoth) {
    const Error error = error_of([&] { csv("alpha/10.png,0\nalpha/none.jpg,0\n"); });
    EXPECT_EQ(error.kind(), ErrorKind::input);
    EXPECT_EQ(error.field("file"), (root() / "alpha/none.jpg").string());
    EXPECT_EQ(error.field("list"), (folder_ / "list.csv").string() + ":2");
}

TEST_F(FileDatasets, ListWithoutImagesIsAnError) {
    EXPECT_EQ(error_of([&] { csv(""); }).kind(), ErrorKind::input);
    EXPECT_EQ(error_of([&] { csv("path,label\n"); }).kind(), ErrorKind::input);
    EXPECT_EQ(error_of([&] { CsvList(folder_ / "none.csv", root(), {}); }).field("file"),
              (folder_ / "none.csv").string());
}

TEST_F(FileDatasets, LabelBeyondTheSynsetsIsAnError) {
    const fs::path synsets = file("synsets.txt", "alpha\nbeta\n");
    const fs::path list = file("list.csv", "beta/b.jpg,2\n");
    EXPECT_EQ(error_of([&] { CsvList(list, root(), synsets); }).field("wanted"), "0 to 1");
}

}  // namespace
}  // namespace aocq::data
