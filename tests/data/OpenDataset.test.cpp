// SPDX-License-Identifier: Apache-2.0
// Datasets from a study's keys, the calibration draw, and the real images where they are.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "DatasetChecks.hpp"
#include "TarText.hpp"
#include "support/TempFolder.hpp"

namespace aocq::data {
namespace {

std::unique_ptr<Dataset> open(const Json& keys, const fs::path& base = "/nowhere") {
    Fields fields(keys, "data.evaluation");
    return open_dataset(fields, base);
}

ErrorKind refusal(const Json& keys) {
    try {
        open(keys);
    } catch (const Error& error) {
        return error.kind();
    }
    ADD_FAILURE() << "accepted " << keys.dump();
    return ErrorKind::internal;
}

TEST(OpenDataset, TakesPathsFromTheBaseFolder) {
    const test::TempFolder folder;
    make_folder(folder / "images/cat");
    fs::copy_file(test::golden_folder() / "rgb8.png", folder / "images/cat/1.png");
    write_text(folder / "images/list.csv", "cat/1.png,3\n");
    write_text(folder / "synsets.txt", "dog\ncat\n");
    const auto tree =
        open({{"kind", "folder"}, {"root", "images"}, {"synsets", "synsets.txt"}}, folder.path());
    EXPECT_EQ(tree->name(0), "cat/1.png");
    EXPECT_EQ(tree->label(0), 1);
    const auto list =
        open({{"kind", "csv"}, {"list", "images/list.csv"}, {"classes", 10}}, folder.path());
    EXPECT_EQ(list->label(0), 3);
    EXPECT_EQ(list->classes(), 10);
    EXPECT_EQ(list->load(0).width, 61);
}

TEST(OpenDataset, OpensEveryLayoutOfTheSameImages) {
    const test::TempFolder folder;
    for (const char* name :
         {"tree/n01/val_2.jpg", "tree/n02/val_1.jpg", "flat/val_1.jpg", "flat/val_2.jpg"}) {
        test::put_image(folder / name);
    }
    const std::string image = read_text(test::golden_folder() / "one_pixel.jpg");
    write_text(folder / "shards/0.tar", test::tar_member("val_1.jpg", image) +
                                            test::tar_member("val_1.cls", "1") +
                                            test::tar_member("val_2.jpg", image) +
                                            test::tar_member("val_2.cls", "0") + test::tar_end());
    write_text(folder / "synsets.txt", "n01\nn02\n");
    write_text(folder / "truth.txt", "1\n2\n");
    write_text(folder / "zero.txt", "1\n0\n");
    write_text(folder / "ids.txt", "1 n02\n2 n01\n");
    write_text(folder / "subset.txt", "val_1.jpg\n");
    const Json layouts[] = {
        {{"kind", "folder"}, {"root", "tree"}},
        {{"kind", "webdataset"}, {"shards", "shards"}},
        {{"kind", "webdataset"}, {"shards", "shards/{0..0}.tar"}},
        {{"kind", "ilsvrc"},
         {"root", "flat"},
         {"ground_truth", "truth.txt"},
         {"order", "ilsvrc"},
         {"ids", "ids.txt"}},
        {{"kind", "ilsvrc"},
         {"root", "flat"},
         {"ground_truth", "zero.txt"},
         {"order", "synset_from_0"}},
    };
    for (Json keys : layouts) {
        keys["synsets"] = "synsets.txt";
        const auto dataset = open(keys, folder.path());
        EXPECT_EQ(dataset->fingerprint(), open(layouts[0], folder.path())->fingerprint()) << keys;
        keys["subset"] = "subset.txt";
        const auto one = open(keys, folder.path());
        EXPECT_THAT(test::names(*one), testing::ElementsAre("n02/val_1.jpg")) << keys;
        EXPECT_EQ(one->label(0), 1);
    }
}

TEST(OpenDataset, LeavesOtherKeysToTheCaller) {
    Fields fields(Json{{"kind", "generated"}, {"split", "train"}, {"count", 5}, {"batch", 16}},
                  "data");
    EXPECT_EQ(open_dataset(fields, ".")->size(), 5U);
    EXPECT_THROW(fields.finish(), Error);
    EXPECT_EQ(fields.integer("batch", 1, 100), 16);
    fields.finish();
}

TEST(OpenDataset, RefusesWrongValues) {
    EXPECT_EQ(refusal(Json::object()), ErrorKind::config);
    EXPECT_EQ(refusal({{"kind", "tar"}}), ErrorKind::config);
    EXPECT_EQ(refusal({{"kind", "folder"}}), ErrorKind::config);
    EXPECT_EQ(refusal({{"kind", "folder"}, {"root", ""}}), ErrorKind::config);
    EXPECT_EQ(refusal({{"kind", "csv"}}), ErrorKind::config);
    EXPECT_EQ(refusal({{"kind", "generated"}, {"split", "test"}}), ErrorKind::config);
    EXPECT_EQ(refusal({{"kind", "generated"}, {"classes", 21}}), ErrorKind::config);
    EXPECT_EQ(refusal({{"kind", "generated"}, {"count", 0}}), ErrorKind::config);
    EXPECT_EQ(refusal({{"kind", "generated"}, {"image_size", 8}}), ErrorKind::config);
    EXPECT_EQ(refusal({{"kind", "webdataset"}}), ErrorKind::config);
    EXPECT_EQ(refusal({{"kind", "webdataset"}, {"shards", "{1..}"}}), ErrorKind::config);
    EXPECT_EQ(refusal({{"kind", "webdataset"}, {"shards", "none.tar"}}), ErrorKind::input);
    // What the numbers of the ground truth count has to be said.
    const Json flat = {{"kind", "ilsvrc"}, {"root", "r"}, {"ground_truth", "g"}, {"synsets", "s"}};
    const auto with = [&](const Json& more) {
        Json all = flat;
        all.update(more);
        return refusal(all);
    };
    EXPECT_EQ(with(Json::object()), ErrorKind::config);
    EXPECT_EQ(with({{"order", "sorted"}}), ErrorKind::config);
    EXPECT_EQ(with({{"order", "ilsvrc"}}), ErrorKind::config);
    EXPECT_EQ(with({{"order", "synset_from_1"}, {"ids", "i"}}), ErrorKind::config);
    EXPECT_EQ(with({{"order", "synset_from_1"}}), ErrorKind::input);
    EXPECT_EQ(refusal({{"kind", "folder"}, {"root", "missing"}}), ErrorKind::input);
    EXPECT_EQ(refusal({{"kind", "csv"}, {"list", "missing.csv"}}), ErrorKind::input);
}

TEST(DrawImages, TakesDifferentImagesInAscendingOrder) {
    const auto drawn = draw_images(1000, 100, 7);
    ASSERT_EQ(drawn.size(), 100U);
    EXPECT_TRUE(std::is_sorted(drawn.begin(), drawn.end()));
    EXPECT_EQ(std::set(drawn.begin(), drawn.end()).size(), 100U);
    EXPECT_LT(drawn.back(), 1000U);
    EXPECT_NE(drawn.back(), 99U);  // not simply the first
    EXPECT_EQ(draw_images(1000, 100, 7), drawn);
    EXPECT_NE(draw_images(1000, 100, 8), drawn);
}

TEST(DrawImages, OfASeedIsPinned) {
    EXPECT_THAT(draw_images(1000, 5, 0), testing::ElementsAre(136, 141, 442, 666, 699));
}

TEST(DrawImages, OfOtherPurposesAreOthers) {
    EXPECT_NE(draw_images(1000, 100, 7, DrawPurpose::evaluation), draw_images(1000, 100, 7));
    EXPECT_THAT(draw_images(1000, 3, 0, DrawPurpose::evaluation),
                testing::ElementsAre(322, 402, 931));
}

TEST(DrawImages, LargerDrawContainsTheSmallerOne) {
    const auto small = draw_images(500, 32, 3);
    const auto large = draw_images(500, 256, 3);
    EXPECT_TRUE(std::includes(large.begin(), large.end(), small.begin(), small.end()));
}

TEST(DrawImages, ZeroMeansAllAndTooManyIsAnError) {
    const auto all = draw_images(4, 0, 1);
    EXPECT_THAT(all, testing::ElementsAre(0, 1, 2, 3));
    EXPECT_EQ(draw_images(4, 4, 1), all);
    try {
        draw_images(4, 5, 1);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::config);
        EXPECT_EQ(error.field("found"), "4 images");
    }
}

TEST(ContentFingerprint, DependsOnPixelsAndOrder) {
    const auto dataset = open({{"kind", "generated"}, {"count", 8}});
    const auto hash = [&](std::vector<std::uint32_t> indices) {
        return content_fingerprint(*dataset, indices);
    };
    EXPECT_EQ(hash({1, 2}), hash({1, 2}));
    EXPECT_NE(hash({1, 2}), hash({2, 1}));
    EXPECT_NE(hash({1, 2}), hash({1, 3}));
    EXPECT_EQ(hash({1, 2}), content_fingerprint(*open({{"kind", "generated"}, {"count", 9}}),
                                                std::vector{1U, 2U}));
}

TEST(RealImages, HaveTheirKnownCountsAndLabels) {
    AOCQ_REAL_DATA_OR_SKIP(data);
    const auto val = open({{"kind", "folder"},
                           {"root", "imagenet/val"},
                           {"synsets", "imagenet/imagenet_synsets.txt"}},
                          data);
    EXPECT_EQ(val->size(), 400U);
    EXPECT_EQ(val->classes(), 1000);
    std::set<int> labels;
    for (std::size_t i = 0; i < val->size(); ++i) labels.insert(val->label(i));
    EXPECT_EQ(labels.size(), 400U);
}

}  // namespace
}  // namespace aocq::data
