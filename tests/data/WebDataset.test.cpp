// SPDX-License-Identifier: Apache-2.0
// Shards: the same images, labels and fingerprint as in class folders, whatever wrote the archives
// and wherever the images lie in them.
#include <gmock/gmock.h>

#include <cstdlib>
#include <thread>

#include "DatasetChecks.hpp"
#include "TarText.hpp"
#include "data/ImageFolder.hpp"
#include "data/ShardFiles.hpp"
#include "data/WebDataset.hpp"
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

std::string golden(const char* name) {
    return read_text(test::golden_folder() / name);
}

std::string sample(const std::string& key, const std::string& label,
                   const char* image = "one_pixel.jpg") {
    const std::string ending = fs::path(image).extension().string();
    return test::tar_member(key + ".cls", label) + test::tar_member(key + ending, golden(image));
}

class Shards : public testing::Test {
  protected:
    fs::path put(const std::string& name, const std::string& members) const {
        write_text(folder_ / name, members + test::tar_end());
        return folder_ / name;
    }
    fs::path synsets(const char* text = "alpha\nbeta\n") const {
        write_text(folder_ / "synsets.txt", text);
        return folder_ / "synsets.txt";
    }
    Error refusal(const std::string& members, const fs::path& classes = {}) const {
        const fs::path shard = put("a.tar", members);
        Error error = error_of([&] { WebDataset(shard, classes); });
        EXPECT_EQ(error.kind(), ErrorKind::input) << error.what();
        EXPECT_EQ(error.field("file"), shard.string()) << error.what();
        return error;
    }

    test::TempFolder folder_;
};

TEST_F(Shards, GiveImagesAndLabels) {
    const WebDataset dataset(put("a.tar", sample("x/2", "3\n", "rgb8.png") + sample("x/1", "0")),
                             {});
    EXPECT_THAT(names(dataset), ElementsAre("x/1.jpg", "x/2.png"));
    EXPECT_THAT(labels(dataset), ElementsAre(0, 3));
    EXPECT_EQ(dataset.classes(), 4);
    EXPECT_EQ(dataset.load(0).width, 1);
    EXPECT_EQ(dataset.load(1).width, 61);
}

TEST_F(Shards, OrderAndFingerprintDoNotDependOnShards) {
    const std::string a = sample("beta/1", "1"), b = sample("alpha-b/2", "2"),
                      c = sample("alpha/3", "0", "rgb8.png");
    const WebDataset one(put("one.tar", a + b + c), {});
    put("two-0.tar", c);
    put("two-1.tar", b + a);
    const WebDataset two(folder_ / "two-{0..1}.tar", {});
    // As folders are sorted: "alpha" before "alpha-b", though '-' is before '/'.
    EXPECT_THAT(names(one), ElementsAre("alpha/3.png", "alpha-b/2.jpg", "beta/1.jpg"));
    EXPECT_EQ(names(two), names(one));
    EXPECT_EQ(two.fingerprint(), one.fingerprint());
    EXPECT_EQ(pixels_fingerprint(two), pixels_fingerprint(one));
    const WebDataset relabelled(put("c.tar", a + b + sample("alpha/3", "5", "rgb8.png")), {});
    EXPECT_NE(relabelled.fingerprint(), one.fingerprint());
}

TEST_F(Shards, AreTheClassFoldersInAnotherContainer) {
    put_image(folder_ / "images/alpha/1.jpg");
    put_image(folder_ / "images/beta/2.png", "rgb8.png");
    const ImageFolder tree(folder_ / "images", {});
    const WebDataset in_folders(
        put("a.tar", sample("beta/2", "1", "rgb8.png") + sample("alpha/1", "0")), {});
    EXPECT_EQ(in_folders.fingerprint(), tree.fingerprint());
    // Without folders, where the list names the classes; labels as names or as indices.
    const WebDataset flat(put("b.tar", sample("2", "beta", "rgb8.png") + sample("1", "0")),
                          synsets());
    EXPECT_EQ(names(flat), names(tree));
    EXPECT_EQ(flat.fingerprint(), tree.fingerprint());
    EXPECT_EQ(pixels_fingerprint(flat), pixels_fingerprint(tree));
}

TEST_F(Shards, PassOverWhatIsNeitherImageNorLabel) {
    const std::string others = test::tar_member("1.json", "{}") + test::tar_member("README", "x") +
                               test::tar_member("._1.jpg", "a file manager's shadow") +
                               test::tar_member("1.seg.png", "no image of its own");
    EXPECT_EQ(WebDataset(put("a.tar", others + sample("1", "0")), {}).size(), 1U);
}

TEST_F(Shards, TakeEndingsInAnyCase) {
    const WebDataset dataset(put("a.tar", test::tar_member("1.CLS", "1") +
                                              test::tar_member("1.JPEG", golden("rgb.jpg"))),
                             {});
    EXPECT_THAT(names(dataset), ElementsAre("1.JPEG"));
}

TEST_F(Shards, RefuseIncompleteAndDoubledSamples) {
    const std::string image = golden("one_pixel.jpg");
    EXPECT_THAT(refusal(test::tar_member("a.jpg", image)).problem(), HasSubstr("no label"));
    EXPECT_THAT(refusal(test::tar_member("a.cls", "1")).problem(), HasSubstr("no image"));
    EXPECT_THAT(refusal(sample("a", "1") + sample("a", "1")).problem(), HasSubstr("twice"));
    EXPECT_EQ(
        refusal(sample("a", "1") + test::tar_member("a.png", golden("rgb8.png"))).field("member"),
        "a.png");
    EXPECT_THAT(refusal(sample("a", "0") + sample("alpha/a", "0"), synsets()).problem(),
                HasSubstr("same name"));
}

TEST_F(Shards, RefuseTheSameNameInTwoShards) {
    put("s-0.tar", sample("a", "0"));
    put("s-1.tar", sample("a", "0"));
    const Error error = error_of([&] { WebDataset(folder_ / "s-{0..1}.tar", {}); });
    EXPECT_EQ(error.field("file"), (folder_ / "s-1.tar").string());
    EXPECT_EQ(error.field("other"), (folder_ / "s-0.tar").string());
}

TEST_F(Shards, RefuseWrongLabels) {
    for (const char* label : {"", "cat", "-1", "1.5", "2000000", "99999999999", "1 2"}) {
        EXPECT_EQ(refusal(sample("a", label)).field("member"), "a.cls") << label;
    }
    EXPECT_EQ(refusal(sample("a", "2"), synsets()).field("wanted"), "0 to 1");
    EXPECT_EQ(refusal(sample("a", "gamma"), synsets()).field("found"), "gamma");
    refusal(sample("a", std::string(300, '1')));
}

TEST_F(Shards, RefuseEmptyAndDamagedArchives) {
    EXPECT_EQ(refusal("").problem(), "dataset has no images");
    refusal(test::tar_header("a.jpg", 1 << 20));
    refusal("no tar" + std::string(1000, 'x'));
}

TEST_F(Shards, NameTheImageThatCannotBeDecoded) {
    const fs::path shard =
        put("a.tar", test::tar_member("a.cls", "0") + test::tar_member("a.jpg", "x"));
    const WebDataset dataset(shard, {});
    EXPECT_EQ(error_of([&] { dataset.load(0); }).field("file"), shard.string() + ":a.jpg");
}

TEST_F(Shards, NoticeAShardThatChangedItsSize) {
    const fs::path shard = put("a.tar", sample("a", "0"));
    const WebDataset dataset(shard, {});
    put("a.tar", sample("b", "0") + sample("a", "0"));
    EXPECT_THAT(error_of([&] { dataset.load(0); }).problem(), HasSubstr("changed"));
}

TEST_F(Shards, AreReadByManyThreadsAtOnce) {
    std::string members;
    for (int i = 0; i < 20; ++i) {
        members += sample(fmt::format("{:02}", i), "0", i % 2 ? "rgb8.png" : "one_pixel.jpg");
    }
    const WebDataset dataset(put("a.tar", members), {});
    std::vector<std::thread> threads;
    std::vector<int> wrong(4);
    for (std::size_t t = 0; t < wrong.size(); ++t) {
        threads.emplace_back([&, t] {
            for (std::size_t i = 0; i < 200; ++i) {
                const std::size_t index = (i * 7 + t) % dataset.size();
                wrong[t] += dataset.load(index).width != (index % 2 ? 61 : 1);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_THAT(wrong, ElementsAre(0, 0, 0, 0));
}

TEST_F(Shards, GoldenArchivesAreOneDataset) {
    const fs::path shards = test::golden_folder() / "shards";
    const WebDataset reference(shards / "python-ustar.tar", {});
    EXPECT_THAT(names(reference), ElementsAre("n00/one_pixel.jpg", "n01/grey1.png"));
    EXPECT_EQ(WebDataset(shards / "tar-ustar.tar", {}).fingerprint(), reference.fingerprint());
    const WebDataset with_long_names(shards / "python-pax.tar", {});
    EXPECT_EQ(with_long_names.size(), 4U);
    for (const char* name : {"python-gnu.tar", "tar-gnu.tar", "tar-pax.tar"}) {
        const WebDataset dataset(shards / name, {});
        EXPECT_EQ(dataset.fingerprint(), with_long_names.fingerprint()) << name;
        EXPECT_EQ(pixels_fingerprint(dataset), pixels_fingerprint(with_long_names)) << name;
    }
    EXPECT_EQ(reference.fingerprint(),
              "34fcbf0d1c84bd74c0aef6aa3fc8bee2420713e1fa86bf98013d3d76a656b2b0");
}

// Real photographs, packed by the system's tar: nothing changes but the container.
TEST(RealShards, GiveTheClassFoldersPixelsAndFingerprint) {
    AOCQ_REAL_DATA_OR_SKIP(data);
    if (std::system("tar --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no tar program";
    const fs::path root = data / "imagenet/ilsvrc2012_val20";
    const fs::path synsets = data / "imagenet/imagenet_synsets.txt";
    const ImageFolder tree(root, synsets);
    const test::TempFolder folder;
    std::string shards[2];
    for (std::size_t i = 0; i < tree.size(); ++i) {
        const fs::path image = folder / "files" / tree.name(i);
        make_folder(image.parent_path());
        fs::copy_file(root / tree.name(i), image);
        const fs::path label = fs::path(tree.name(i)).replace_extension(".cls");
        write_text(folder / "files" / label, std::to_string(tree.label(i)));
        shards[i % 2] += " " + label.string() + " " + tree.name(i);
    }
    for (int i = 0; i < 2; ++i) {
        const std::string command = fmt::format("tar -cf {0}/val-{1:06}.tar -C {0}/files{2}",
                                                folder.path().string(), i, shards[i]);
        ASSERT_EQ(std::system(command.c_str()), 0);
    }
    const WebDataset dataset(folder / "val-{000000..000001}.tar", synsets);
    EXPECT_EQ(names(dataset), names(tree));
    EXPECT_EQ(dataset.fingerprint(), tree.fingerprint());
    EXPECT_EQ(pixels_fingerprint(dataset), pixels_fingerprint(tree));
    EXPECT_EQ(WebDataset(folder.path(), synsets).fingerprint(), tree.fingerprint());
}

TEST(ShardFiles, ExpandBraces) {
    EXPECT_THAT(expand_braces("a.tar"), ElementsAre("a.tar"));
    EXPECT_THAT(expand_braces("v-{08..11}.tar"),
                ElementsAre("v-08.tar", "v-09.tar", "v-10.tar", "v-11.tar"));
    EXPECT_THAT(expand_braces("{9..10}"), ElementsAre("9", "10"));
    EXPECT_THAT(expand_braces("{a,b}/{0..1}"), ElementsAre("a/0", "a/1", "b/0", "b/1"));
    EXPECT_EQ(expand_braces("{000000..000999}").size(), 1000U);
}

TEST(ShardFiles, RefuseWrongBraces) {
    for (const char* pattern : {"{", "{}", "{1}", "{1..", "{2..1}", "{a..b}", "{1..-2}",
                                "{0..4000000000}", "{-1..2}", "{0..99999}{0..99999}",
                                "{00000000000000000000000..1}", "{1..2..3}", "{99999999999..1}"}) {
        EXPECT_EQ(error_of([&] { expand_braces(pattern); }).kind(), ErrorKind::config) << pattern;
    }
}

TEST(ShardFiles, AreTheTarsOfAFolderOrAPattern) {
    const test::TempFolder folder;
    for (const char* name : {"b.tar", "a.TAR", "notes.txt", ".c.tar"})
        write_text(folder / name, "");
    EXPECT_THAT(find_shards(folder.path()), ElementsAre(folder / "a.TAR", folder / "b.tar"));
    EXPECT_THAT(find_shards(folder / "b.tar"), ElementsAre(folder / "b.tar"));
    const Error missing = error_of([&] { find_shards(folder / "{b,c}.tar"); });
    EXPECT_EQ(missing.kind(), ErrorKind::input);
    EXPECT_EQ(missing.field("file"), (folder / "c.tar").string());
    make_folder(folder / "empty");
    EXPECT_EQ(error_of([&] { find_shards(folder / "empty"); }).kind(), ErrorKind::input);
}

}  // namespace
}  // namespace aocq::data
