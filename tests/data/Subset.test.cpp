// SPDX-License-Identifier: Apache-2.0
// Some images of a dataset, by a list of names.
#include "data/Subset.hpp"

#include <gmock/gmock.h>

#include "DatasetChecks.hpp"
#include "data/GeneratedDataset.hpp"
#include "data/ImageFolder.hpp"
#include "support/TempFolder.hpp"

namespace aocq::data {
namespace {

using test::error_of;
using test::labels;
using test::names;
using test::pixels_fingerprint;
using test::put_image;
using testing::ElementsAre;
using testing::HasSubstr;

class SubsetOfFiles : public testing::Test {
  protected:
    void SetUp() override {
        put_image(folder_ / "all/alpha/1.jpg");
        put_image(folder_ / "all/alpha/2.png", "rgb8.png");
        put_image(folder_ / "all/beta/2.png", "grey8.png");
        put_image(folder_ / "all/beta/3.jpg");
    }
    std::unique_ptr<Dataset> all() const {
        return std::make_unique<ImageFolder>(folder_ / "all", fs::path());
    }
    std::vector<std::uint32_t> read(std::string_view text) const {
        write_text(folder_ / "list.txt", text);
        return read_subset(folder_ / "list.txt", *all());
    }
    Subset subset(std::string_view text) const { return {all(), read(text)}; }

    test::TempFolder folder_;
};

TEST_F(SubsetOfFiles, HasTheListedImagesInTheDatasetsOrder) {
    const Subset some = subset("beta/2.png\r\n\r\nalpha/1.jpg\n");
    EXPECT_THAT(names(some), ElementsAre("alpha/1.jpg", "beta/2.png"));
    EXPECT_THAT(labels(some), ElementsAre(0, 1));
    EXPECT_EQ(some.classes(), 2);
    EXPECT_EQ(pixels_fingerprint(some), content_fingerprint(*all(), std::vector{0U, 2U}));
    EXPECT_EQ(subset("alpha/1.jpg\nbeta/2.png").fingerprint(), some.fingerprint());
}

TEST_F(SubsetOfFiles, HasTheFingerprintOfAFolderWithOnlyTheseImages) {
    const Subset some = subset("alpha/2.png\nbeta/3.jpg\n");
    put_image(folder_ / "few/alpha/2.png", "rgb8.png");
    put_image(folder_ / "few/beta/3.jpg");
    EXPECT_EQ(some.fingerprint(), ImageFolder(folder_ / "few", {}).fingerprint());
    EXPECT_NE(some.fingerprint(), all()->fingerprint());
    const Subset whole(all(), {0, 1, 2, 3});
    EXPECT_EQ(whole.fingerprint(), all()->fingerprint());
}

TEST_F(SubsetOfFiles, OfASubsetCountsWithinIt) {
    const Subset inner(std::make_unique<Subset>(all(), std::vector{1U, 2U, 3U}), {0, 2});
    EXPECT_THAT(names(inner), ElementsAre("alpha/2.png", "beta/3.jpg"));
    EXPECT_EQ(inner.fingerprint(), subset("alpha/2.png\nbeta/3.jpg\n").fingerprint());
}

TEST_F(SubsetOfFiles, NamesNeedNoFolderWhereTheyAreAlone) {
    EXPECT_THAT(read("3.jpg\n1.jpg\n"), ElementsAre(0, 3));
    const Error error = error_of([&] { read("1.jpg\n2.png\n"); });
    EXPECT_THAT(error.problem(), HasSubstr("several"));
    EXPECT_EQ(error.field("file"), (folder_ / "list.txt").string() + ":2");
}

TEST_F(SubsetOfFiles, WrongListsAreErrorsWithTheirLine) {
    for (const char* line :
         {"alpha/9.jpg", "../alpha/1.jpg", "beta/3.jpg", "3.jpg", "beta/3.jpg,1"}) {
        const Error error = error_of([&] { read(std::string("beta/3.jpg\n") + line); });
        EXPECT_EQ(error.kind(), ErrorKind::input) << line;
        EXPECT_EQ(error.field("file"), (folder_ / "list.txt").string() + ":2") << line;
        EXPECT_EQ(error.field("found"), line);
    }
    EXPECT_THAT(error_of([&] { read("\n"); }).problem(), HasSubstr("empty"));
    EXPECT_EQ(error_of([&] { read_subset(folder_ / "none.txt", *all()); }).kind(),
              ErrorKind::input);
}

TEST(SubsetOfGeneratedImages, HasAFingerprintOfItsOwn) {
    GeneratedOptions options;
    options.count = 10;
    const auto fingerprint = [&](std::vector<std::uint32_t> indices) {
        return Subset(std::make_unique<GeneratedDataset>(options), std::move(indices))
            .fingerprint();
    };
    const std::string one = fingerprint({1, 2});
    EXPECT_EQ(fingerprint({1, 2}), one);
    EXPECT_NE(fingerprint({1, 3}), one);
    EXPECT_NE(fingerprint({1, 2, 3}), one);
    EXPECT_NE(one, GeneratedDataset(options).fingerprint());
    options.seed = 1;
    EXPECT_NE(fingerprint({1, 2}), one);
}

}  // namespace
}  // namespace aocq::data
