// SPDX-License-Identifier: Apache-2.0
#include "par/Outbox.hpp"

#include <fmt/format.h>

#include <exception>
#include <thread>

#include "core/Error.hpp"
#include "core/Log.hpp"
#include "core/Text.hpp"
#include "par/CommunicatorState.hpp"
#include "par/Message.hpp"

namespace aocq::par {

struct Outbox::Letter {
    std::vector<std::byte> bytes;
    MPI_Request request = MPI_REQUEST_NULL;
};

Outbox::Outbox(Communicator communicator) : communicator_(std::move(communicator)) {}

Outbox::~Outbox() {
    if (letters_.empty()) return;
    bool delivered = false;
    try {
        delivered = flush(std::chrono::seconds(1));
    } catch (const std::exception& error) {
        log_warning("messages may be lost: {}", error.what());
    }
    // MPI may still read from the buffers, so they must outlive us; the job is about to end anyway.
    if (!delivered) {
        for (auto& letter : letters_) letter.release();
    }
}

void Outbox::send(int destination, int tag, std::vector<std::byte> bytes, std::string_view what) {
    AOCQ_EXPECT(destination >= 0 && destination < communicator_.size());
    AOCQ_EXPECT(destination != communicator_.rank());
    AOCQ_EXPECT(tag >= 0 && tag <= max_tag);
    if (bytes.size() > max_message) {
        throw Error::environment(fmt::format("{} is too large to send", what))
            .because("messages between ranks are bounded")
            .found(human_bytes(bytes.size()))
            .wanted("at most " + human_bytes(max_message));
    }
    auto letter = std::make_unique<Letter>();
    letter->bytes = std::move(bytes);
    letters_.reserve(letters_.size() + 1);  // nothing may throw once MPI holds the buffer
    check_mpi(MPI_Isend(letter->bytes.data(), static_cast<int>(letter->bytes.size()), MPI_BYTE,
                        destination, tag, communicator_.state_for_call().handle, &letter->request),
              "MPI_Isend");
    letters_.push_back(std::move(letter));
}

void Outbox::progress() {
    for (std::size_t i = 0; i < letters_.size();) {
        int done = 0;
        check_mpi(MPI_Test(&letters_[i]->request, &done, MPI_STATUS_IGNORE), "MPI_Test");
        if (!done) {
            ++i;
            continue;
        }
        if (i + 1 < letters_.size())
            letters_[i] = std::move(letters_.back());  // order is of no use
        letters_.pop_back();
    }
}

bool Outbox::empty() const {
    return letters_.empty();
}

std::size_t Outbox::pending_bytes() const {
    std::size_t sum = 0;
    for (const auto& letter : letters_) sum += letter->bytes.size();
    return sum;
}

bool Outbox::flush(std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (true) {
        progress();
        if (letters_.empty()) return true;
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
}

}  // namespace aocq::par
