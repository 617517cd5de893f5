// SPDX-License-Identifier: Apache-2.0
// Bundles in memory and as files: round trips, equal bytes, names and shapes at their limits.
#include "store/Bundle.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "core/Error.hpp"
#include "core/Files.hpp"
#include "support/TempFolder.hpp"

namespace aocq::store {
namespace {

Bundle example() {
    Bundle bundle;
    bundle.kind = "artefact";
    bundle.attributes = {{"model", "deit_tiny"}, {"bits", {4, 8}}, {"step", 0.1}};
    bundle.arrays = {
        {"w/scale", {2, 3}, std::vector<float>{1, 2, 3, 4, 5, -0.0F}},
        {"a", {}, std::vector<double>{0.1}},
        {"w/codes", {4}, std::vector<std::uint8_t>{0, 1, 254, 255}},
        {"labels", {1, 1, 2}, std::vector<std::int32_t>{-1, 7}},
        {"count", {1}, std::vector<std::int64_t>{std::int64_t{1} << 40}},
    };
    return bundle;
}

Error error_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const Error& error) {
        return error;
    }
    ADD_FAILURE() << "no error was thrown";
    return Error::internal("none");
}

TEST(Bundle, ComesBackFromItsFileInNameOrder) {
    const test::TempFolder folder;
    write_bundle(folder / "sub/a.h5", example());
    const Bundle back = read_bundle(folder / "sub/a.h5", "artefact");
    EXPECT_EQ(back.kind, "artefact");
    EXPECT_EQ(back.attributes, example().attributes);
    ASSERT_EQ(back.arrays.size(), 5U);
    EXPECT_EQ(back.arrays[0].name, "a");
    EXPECT_EQ(back.arrays[4].name, "w/scale");
    for (const Array& array : example().arrays) {
        const Array* found = back.find(array.name);
        ASSERT_NE(found, nullptr) << array.name;
        EXPECT_EQ(found->shape, array.shape);
        EXPECT_EQ(found->data, array.data);
    }
    EXPECT_EQ(digest(back), digest(example()));
}

TEST(Bundle, IsTheSameFileWhateverTheOrderOfItsArrays) {
    const test::TempFolder folder;
    Bundle turned = example();
    std::reverse(turned.arrays.begin(), turned.arrays.end());
    write_bundle(folder / "a.h5", example());
    std::vector<std::string> noise(1000, std::string(1000, 'x'));  // other heap contents
    noise.clear();
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // HDF5's times have seconds
    write_bundle(folder / "another_name.h5", turned);
    EXPECT_EQ(read_text(folder / "a.h5"), read_text(folder / "another_name.h5"));
}

TEST(Bundle, ReplacesAnOlderFileAndLeavesNoOther) {
    const test::TempFolder folder;
    write_bundle(folder / "a.h5", example());
    Bundle changed = example();
    changed.attributes["step"] = 0.2;
    write_bundle(folder / "a.h5", changed);
    EXPECT_EQ(read_bundle(folder / "a.h5", "artefact").attributes["step"], 0.2);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator{}), 1);
}

TEST(Bundle, KeepsEmptyArraysAndHighRanks) {
    const test::TempFolder folder;
    Bundle bundle;
    bundle.kind = "result";
    bundle.arrays = {{"empty", {0}, std::vector<float>{}},
                     {"flat", {3, 0, 5}, std::vector<std::int64_t>{}},
                     {"deep", std::vector<std::uint64_t>(32, 1), std::vector<float>{42}}};
    write_bundle(folder / "a.h5", bundle);
    const Bundle back = read_bundle(folder / "a.h5", "result");
    for (const Array& array : bundle.arrays) {
        EXPECT_EQ(back.find(array.name)->shape, array.shape) << array.name;
        EXPECT_EQ(back.find(array.name)->data, array.data) << array.name;
    }
}

TEST(Bundle, MayBeEmpty) {
    const test::TempFolder folder;
    Bundle bundle;
    bundle.kind = "logits";
    write_bundle(folder / "a.h5", bundle);
    EXPECT_TRUE(read_bundle(folder / "a.h5", "logits").arrays.empty());
}

TEST(Bundle, HoldsALargeHeaderAndManyArrays) {
    const test::TempFolder folder;
    Bundle bundle;
    bundle.kind = "statistics";
    bundle.attributes["text"] = std::string(300000, 'x');
    for (int i = 0; i < 2000; ++i) {
        bundle.arrays.push_back({"group" + std::to_string(i % 40) + "/" + std::to_string(i),
                                 {1},
                                 std::vector<std::int32_t>{i}});
    }
    write_bundle(folder / "a.h5", bundle);
    const Bundle back = read_bundle(folder / "a.h5", "statistics");
    EXPECT_EQ(back.attributes, bundle.attributes);
    EXPECT_EQ(back.values<std::int32_t>("group39/1999").at(0), 1999);
}

TEST(Bundle, ValuesNamesTheArrayThatIsMissingOrOfAnotherType) {
    const Bundle bundle = example();
    EXPECT_EQ(bundle.values<double>("a").at(0), 0.1);
    EXPECT_EQ(error_of([&] { bundle.values<float>("b"); }).field("array"), "b");
    const Error error = error_of([&] { bundle.values<float>("a"); });
    EXPECT_EQ(error.field("found"), "f64");
    EXPECT_EQ(error.field("wanted"), "f32");
}

TEST(Bundle, DigestDependsOnEveryPart) {
    const std::string original = digest(example());
    const auto changed = [&](const std::function<void(Bundle&)>& change) {
        Bundle bundle = example();
        change(bundle);
        return digest(bundle);
    };
    EXPECT_NE(changed([](Bundle& b) { b.kind = "segment"; }), original);
    EXPECT_NE(changed([](Bundle& b) { b.attributes["x"] = 1; }), original);
    EXPECT_NE(changed([](Bundle& b) { b.arrays[0].shape = {3, 2}; }), original);
    EXPECT_NE(changed([](Bundle& b) { b.arrays[0].name = "w/other"; }), original);
    EXPECT_NE(changed([](Bundle& b) {
                  b.arrays[3].data = std::vector<std::int32_t>{-1, 8};
              }),
              original);
    EXPECT_EQ(changed([](Bundle& b) { std::swap(b.arrays[0], b.arrays[1]); }), original);
}

TEST(Bundle, DigestIsFixedForEver) {
    Bundle bundle;
    bundle.kind = "result";
    bundle.attributes = {{"a", 1}};
    bundle.arrays = {{"x", {2}, std::vector<std::uint8_t>{1, 2}}};
    // printf '6:result7:{"a":1}1:x2:u81d:2,\001\002' | sha256sum
    EXPECT_EQ(digest(bundle), "8e9375d67bdf96e84bdd65b101b459bcb9a74676d7520fa973e4af5c96061732");
}

TEST(Bundle, RefusesNamesThatCannotBePathsAsAProgrammersFault) {
    const test::TempFolder folder;
    for (const std::string name : {"", "/a", "a//b", "a/", ".", "a/./b"}) {
        Bundle bundle;
        bundle.kind = "result";
        bundle.arrays = {{name, {}, std::vector<float>{1}}};
        const Error error = error_of([&] { write_bundle(folder / "a.h5", bundle); });
        EXPECT_EQ(error.kind(), ErrorKind::internal) << name;
    }
    Bundle clash;
    clash.kind = "result";
    clash.arrays = {{"a", {}, std::vector<float>{1}}, {"a/b", {}, std::vector<float>{1}}};
    EXPECT_EQ(error_of([&] { write_bundle(folder / "a.h5", clash); }).kind(), ErrorKind::internal);
    clash.arrays[1].name = "a";
    EXPECT_EQ(error_of([&] { write_bundle(folder / "a.h5", clash); }).kind(), ErrorKind::internal);
    EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Bundle, RefusesAShapeThatDoesNotFitItsData) {
    const test::TempFolder folder;
    const std::vector<std::vector<std::uint64_t>> shapes{{3}, {}, {2, 2}, {0}, {4, 1ULL << 62}};
    for (const auto& shape : shapes) {
        Bundle bundle;
        bundle.kind = "result";
        bundle.arrays = {{"a", shape, std::vector<float>{1, 2}}};
        EXPECT_EQ(error_of([&] { write_bundle(folder / "a.h5", bundle); }).kind(),
                  ErrorKind::internal);
    }
}

TEST(Bundle, SaysWhyItCannotBeWrittenAndLeavesNothingBehind) {
    const test::TempFolder folder;
    Bundle large = example();
    large.arrays.push_back({"large", {1U << 20}, std::vector<float>(1U << 20)});
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {  // a disk that is full after 64 KiB
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{65536, 65536};
        setrlimit(RLIMIT_FSIZE, &limit);
        try {
            write_bundle(folder / "a.h5", large);
        } catch (const Error& error) {
            const bool good = error.kind() == ErrorKind::environment && !error.reason().empty() &&
                              error.field("file") == (folder / "a.h5").string();
            _exit(good ? 0 : 2);
        } catch (...) {
            _exit(3);
        }
        _exit(4);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Bundle, CanBeUsedByManyThreads) {
    const test::TempFolder folder;
    std::vector<std::thread> threads;
    std::atomic<int> good{0};
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 10; ++i) {
                Bundle bundle = example();
                bundle.attributes["thread"] = t;
                const auto file = folder / (std::to_string(t) + ".h5");
                write_bundle(file, bundle);
                if (read_bundle(file, "artefact").attributes["thread"] == t) ++good;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(good, 40);
}

}  // namespace
}  // namespace aocq::store
