// SPDX-License-Identifier: Apache-2.0
#include "par/Message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "core/Error.hpp"
#include "core/Text.hpp"
#include "par/CommunicatorState.hpp"

namespace aocq::par {
namespace {

constexpr std::chrono::seconds receive_limit{60};

[[noreturn]] void sender_went_silent(int source, std::size_t bytes) {
    throw Error::environment(fmt::format("rank {} went silent within a message", source))
        .advise("look for a dead rank or node in the log; run the same command again")
        .at("size", human_bytes(bytes));
}

// Not MPI_Recv: a sender that stops in the middle would keep this rank there for ever.
void finish_receive(MPI_Request& request, int source, std::size_t bytes) {
    const auto deadline = std::chrono::steady_clock::now() + receive_limit;
    for (int round = 0;; ++round) {
        int done = 0;
        check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
        if (done) return;
        if (round < 100) continue;  // small messages are there at once
        if (std::chrono::steady_clock::now() > deadline) sender_went_silent(source, bytes);
        std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
}

}  // namespace

std::optional<Message> try_receive(const Communicator& communicator) {
    if (communicator.is_null()) return std::nullopt;
    const Communicator::State& state = communicator.state_for_call();
    int waiting = 0;
    MPI_Message handle = MPI_MESSAGE_NULL;
    MPI_Status status{};
    check_mpi(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, state.handle, &waiting, &handle, &status),
              "MPI_Improbe");
    if (!waiting) return std::nullopt;
    int count = 0;
    check_mpi(MPI_Get_count(&status, MPI_BYTE, &count), "MPI_Get_count");
    if (count < 0 || static_cast<std::size_t>(count) > max_message) {
        throw Error::internal(
            fmt::format("rank {} sent a message that is too large", status.MPI_SOURCE))
            .found(std::to_string(count))
            .wanted(fmt::format("at most {} bytes", max_message));
    }
    Message message{status.MPI_SOURCE, status.MPI_TAG, {}};
    message.bytes.resize(static_cast<std::size_t>(count));
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Imrecv(message.bytes.data(), count, MPI_BYTE, &handle, &request), "MPI_Imrecv");
    finish_receive(request, message.source, message.bytes.size());
    return message;
}

}  // namespace aocq::par
