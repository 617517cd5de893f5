// SPDX-License-Identifier: Apache-2.0
#include "data/Loader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "core/Error.hpp"

namespace aocq::data {
namespace {

struct Outcome {
    Batch batch;
    std::exception_ptr error;
};

void check(const LoaderOptions& options) {
    const auto refuse = [](const char* key, int value, int low) {
        if (value >= low) return;
        throw Error::config("loader option is too small")
            .at("key", key)
            .found(fmt::format("{}", value))
            .wanted(fmt::format("at least {}", low));
    };
    refuse("batch", options.batch, 1);
    refuse("threads", options.threads, 0);
    refuse("queue", options.queue, 1);
}

}  // namespace

class Loader::Impl {
  public:
    Impl(const Dataset& dataset, const Preprocess& preprocess, std::vector<std::uint32_t> indices,
         LoaderOptions options)
        : dataset_(dataset),
          preprocess_(preprocess),
          indices_(std::move(indices)),
          options_(options),
          batches_((indices_.size() + static_cast<std::size_t>(options.batch) - 1) /
                   static_cast<std::size_t>(options.batch)) {
        for (const std::uint32_t index : indices_) AOCQ_EXPECT(index < dataset_.size());
        const std::size_t useful = std::min({static_cast<std::size_t>(options.threads), batches_,
                                             static_cast<std::size_t>(options.queue)});
        try {
            for (std::size_t i = 0; i < useful; ++i) threads_.emplace_back([this] { work(); });
        } catch (...) {
            stop();
            throw;
        }
    }

    ~Impl() { stop(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    std::optional<Batch> next() {
        if (error_) std::rethrow_exception(error_);
        if (delivered_ == batches_) return std::nullopt;
        Outcome outcome = threads_.empty() ? make(delivered_++) : wait_for_next();
        if (outcome.error) {
            error_ = outcome.error;
            std::rethrow_exception(error_);
        }
        return std::move(outcome.batch);
    }

  private:
    Outcome wait_for_next() {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [this] { return finished_.contains(delivered_); });
        Outcome outcome = std::move(finished_.extract(delivered_).mapped());
        ++delivered_;
        lock.unlock();
        room_.notify_all();
        return outcome;
    }

    Batch load(std::size_t number) const {
        const auto batch_size = static_cast<std::size_t>(options_.batch);
        const auto side = static_cast<std::size_t>(preprocess_.image_size);
        const std::size_t numbers = 3 * side * side;  // per image
        Batch batch;
        batch.first = number * batch_size;
        const std::size_t end = std::min(batch.first + batch_size, indices_.size());
        batch.pixels.resize((end - batch.first) * numbers);
        for (std::size_t i = batch.first; i < end && !stopping_; ++i) {
            const std::uint32_t index = indices_[i];
            batch.indices.push_back(index);
            batch.labels.push_back(dataset_.label(index));
            const Image image = dataset_.load(index);
            try {
                preprocess(image, preprocess_,
                           std::span(batch.pixels).subspan((i - batch.first) * numbers, numbers));
            } catch (Error& error) {
                error.at("file", dataset_.name(index));
                throw;
            }
        }
        return batch;
    }

    void work() {
        for (;;) {
            std::unique_lock lock(mutex_);
            room_.wait(lock, [this] {
                return stopping_ || taken_ == batches_ ||
                       taken_ < delivered_ + static_cast<std::size_t>(options_.queue);
            });
            if (stopping_ || taken_ == batches_) return;
            const std::size_t number = taken_++;
            lock.unlock();
            Outcome outcome = make(number);
            lock.lock();
            finished_.emplace(number, std::move(outcome));
            lock.unlock();
            ready_.notify_one();
        }
    }

    Outcome make(std::size_t number) const {
        Outcome outcome;
        try {
            outcome.batch = load(number);
        } catch (...) {
            outcome.error = std::current_exception();
        }
        return outcome;
    }

    void stop() {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        room_.notify_all();
        for (std::thread& thread : threads_) thread.join();
        threads_.clear();
    }

    const Dataset& dataset_;
    Preprocess preprocess_;
    std::vector<std::uint32_t> indices_;
    LoaderOptions options_;
    std::size_t batches_;
    std::exception_ptr error_;

    std::mutex mutex_;
    std::condition_variable room_;
    std::condition_variable ready_;
    std::size_t taken_ = 0;                    // batches begun
    std::size_t delivered_ = 0;                // batches handed out
    std::map<std::size_t, Outcome> finished_;  // by number
    std::atomic<bool> stopping_ = false;
    std::vector<std::thread> threads_;
};

Loader::Loader(const Dataset& dataset, const Preprocess& preprocess,
               std::vector<std::uint32_t> indices, LoaderOptions options) {
    check(options);
    impl_ = std::make_unique<Impl>(dataset, preprocess, std::move(indices), options);
}

Loader::~Loader() = default;

std::optional<Batch> Loader::next() {
    return impl_->next();
}

}  // namespace aocq::data
