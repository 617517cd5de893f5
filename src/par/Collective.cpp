// SPDX-License-Identifier: Apache-2.0
#include "par/Collective.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "core/Error.hpp"
#include "core/Json.hpp"
#include "core/Text.hpp"
#include "par/CommunicatorState.hpp"
#include "par/Message.hpp"

namespace aocq::par {
namespace {

void broadcast_bytes(const Communicator::State& state, int root, void* bytes, std::size_t size) {
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Ibcast(bytes, static_cast<int>(size), MPI_BYTE, root, state.handle, &request),
              "MPI_Ibcast");
    wait_sleeping(request, "MPI_Ibcast");
}

std::string broadcast_from(const Communicator& communicator, int root, std::string text) {
    if (communicator.is_null()) return text;
    const Communicator::State& state = communicator.state_for_call();
    std::uint64_t size = text.size();
    broadcast_bytes(state, root, &size, sizeof size);
    if (size > max_message) {
        throw Error::environment("a text is too large to send to all ranks")
            .found(human_bytes(size))
            .wanted("at most " + human_bytes(max_message));
    }
    text.resize(static_cast<std::size_t>(size));
    if (size > 0) broadcast_bytes(state, root, text.data(), text.size());
    return text;
}

constexpr char is_text = 't', is_error = 'e';

std::string marked(std::string text, char mark) {
    text.push_back(mark);
    return text;
}

// The text or the error as JSON, with the mark that tells which as its last character.
std::string made_or_error(const std::function<std::string()>& make) {
    try {
        return marked(make(), is_text);
    } catch (const Error& error) {
        return marked(canonical_json(to_json(error)), is_error);
    } catch (const std::exception& error) {
        return marked(canonical_json(to_json(Error::internal(error.what()))), is_error);
    }
}

}  // namespace

std::string broadcast_all(const Communicator& communicator, std::string text) {
    return broadcast_from(communicator, 0, std::move(text));
}

std::string broadcast_made_all(const Communicator& communicator,
                               const std::function<std::string()>& make) {
    std::string made = broadcast_from(
        communicator, 0, communicator.rank() == 0 ? made_or_error(make) : std::string());
    AOCQ_ASSERT(!made.empty());
    const char mark = made.back();
    made.pop_back();
    if (mark == is_error) throw error_from_json(parse_json(made, "error of rank 0"));
    return made;
}

std::vector<std::string> gather_all(const Communicator& communicator, const std::string& text) {
    std::vector<std::string> texts;
    for (int root = 0; root < communicator.size(); ++root) {
        texts.push_back(
            broadcast_from(communicator, root, root == communicator.rank() ? text : std::string()));
    }
    return texts;
}

void barrier_all(const Communicator& communicator) {
    if (communicator.is_null()) return;
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Ibarrier(communicator.state_for_call().handle, &request), "MPI_Ibarrier");
    wait_sleeping(request, "MPI_Ibarrier");
}

void abort_job(const Communicator& communicator, int exit_code) {
    std::fflush(nullptr);
    if (!communicator.is_null()) MPI_Abort(communicator.state_for_call().handle, exit_code);
    std::_Exit(exit_code);
}

}  // namespace aocq::par
