// SPDX-License-Identifier: Apache-2.0
// Order, completeness and errors of the loader must not depend on its threads.
#include "data/Loader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>

#include "Golden.hpp"
#include "core/Error.hpp"
#include "data/GeneratedDataset.hpp"
#include "data/ImageFolder.hpp"
#include "support/TempFolder.hpp"

namespace aocq::data {
namespace {

GeneratedDataset generated(std::uint32_t count) {
    GeneratedOptions options;
    options.count = count;
    return GeneratedDataset(options);
}

Preprocess small() {
    Preprocess p;
    p.image_size = 24;
    return p;
}

std::vector<std::uint32_t> first(std::uint32_t n) {
    std::vector<std::uint32_t> indices(n);
    std::iota(indices.begin(), indices.end(), 0U);
    return indices;
}

// Images whose loading is watched and slowed down.
class Watched : public Dataset {
  public:
    Watched(std::size_t size, int milliseconds) : size_(size), milliseconds_(milliseconds) {}
    std::size_t size() const override { return size_; }
    std::string name(std::size_t index) const override { return std::to_string(index); }
    int label(std::size_t) const override { return 0; }
    int classes() const override { return 1; }
    std::string fingerprint() const override { return ""; }
    Image load(std::size_t) const override {
        ++loaded;
        std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds_));
        return make_image(24, 24);
    }
    mutable std::atomic<int> loaded = 0;

  private:
    std::size_t size_;
    int milliseconds_;
};

TEST(Loader, GivesTheSameBatchesForAnyNumberOfThreads) {
    const GeneratedDataset dataset = generated(50);
    const std::vector<std::uint32_t> indices = draw_images(50, 37, 1);
    std::vector<float> expected(3 * 24 * 24);
    for (const int threads : {0, 1, 2, 3, 8}) {
        for (const int queue : {1, 2, 9}) {
            Loader loader(dataset, small(), indices,
                          {.batch = 5, .threads = threads, .queue = queue});
            std::size_t seen = 0;
            while (const std::optional<Batch> batch = loader.next()) {
                ASSERT_EQ(batch->first, seen);
                ASSERT_EQ(batch->indices.size(), std::min<std::size_t>(5, 37 - seen));
                ASSERT_EQ(batch->pixels.size(), batch->indices.size() * expected.size());
                for (std::size_t i = 0; i < batch->indices.size(); ++i) {
                    ASSERT_EQ(batch->indices[i], indices[seen + i]);
                    ASSERT_EQ(batch->labels[i], dataset.label(indices[seen + i]));
                    preprocess(dataset.load(indices[seen + i]), small(), expected);
                    ASSERT_TRUE(std::equal(
                        expected.begin(), expected.end(),
                        batch->pixels.begin() + static_cast<std::ptrdiff_t>(i * expected.size())));
                }
                seen += batch->indices.size();
            }
            EXPECT_EQ(seen, 37U);
            EXPECT_FALSE(loader.next());
        }
    }
}

TEST(Loader, OfNoImagesEndsAtOnce) {
    const GeneratedDataset dataset = generated(5);
    for (const int threads : {0, 2}) {
        Loader loader(dataset, small(), {}, {.threads = threads});
        EXPECT_FALSE(loader.next());
    }
}

TEST(Loader, RefusesAnEmptyBatchOrQueue) {
    const GeneratedDataset dataset = generated(5);
    const auto kind = [&](LoaderOptions options) {
        try {
            Loader(dataset, small(), first(5), options);
        } catch (const Error& error) {
            return error.kind();
        }
        return ErrorKind::internal;
    };
    EXPECT_EQ(kind({.batch = 0}), ErrorKind::config);
    EXPECT_EQ(kind({.batch = -1}), ErrorKind::config);
    EXPECT_EQ(kind({.threads = -1}), ErrorKind::config);
    EXPECT_EQ(kind({.queue = 0}), ErrorKind::config);
    EXPECT_THROW(Loader(dataset, small(), {5}, {}), Error);
}

TEST(Loader, ThrowsADecodeErrorInItsTurnAndNamesTheFile) {
    const test::TempFolder folder;
    make_folder(folder / "class");
    for (int i = 0; i < 8; ++i) {
        fs::copy_file(test::golden_folder() / "rgb8.png",
                      folder / ("class/" + std::to_string(i) + ".png"));
    }
    write_text(folder / "class/5.png", "damaged");
    const ImageFolder dataset(folder.path(), {});
    for (const int threads : {0, 1, 4}) {
        Loader loader(dataset, small(), first(8), {.batch = 2, .threads = threads});
        EXPECT_EQ(loader.next()->first, 0U);
        EXPECT_EQ(loader.next()->first, 2U);
        for (int again = 0; again < 2; ++again) {
            try {
                loader.next();
                FAIL() << threads;
            } catch (const Error& error) {
                EXPECT_EQ(error.kind(), ErrorKind::input);
                EXPECT_EQ(error.field("file"), (folder / "class/5.png").string());
            }
        }
    }
}

TEST(Loader, NamesTheImageThatThePreprocessingRefuses) {
    const GeneratedDataset dataset = generated(5);
    Preprocess none = small();
    none.resize = false;  // the images have 64 x 64 pixels
    Loader loader(dataset, none, {3});
    try {
        loader.next();
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.field("file"), dataset.name(3));
    }
}

TEST(Loader, WorksAheadNoFurtherThanItsQueue) {
    const Watched dataset(100, 0);
    Loader loader(dataset, small(), first(100), {.batch = 2, .threads = 3, .queue = 4});
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    EXPECT_EQ(dataset.loaded, 8);
    loader.next();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    EXPECT_EQ(dataset.loaded, 10);
}

TEST(Loader, StopsPromptlyInTheMiddleOfABatch) {
    const Watched dataset(1000, 20);
    const auto start = std::chrono::steady_clock::now();
    { Loader loader(dataset, small(), first(1000), {.batch = 500, .threads = 2}); }
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
    EXPECT_LT(dataset.loaded, 100);
}

}  // namespace
}  // namespace aocq::data
