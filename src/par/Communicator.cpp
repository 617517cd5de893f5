// SPDX-License-Identifier: Apache-2.0
#include "par/Communicator.hpp"

#include "core/Error.hpp"
#include "par/CommunicatorState.hpp"

namespace aocq::par {

Communicator::Communicator() : state_(std::make_shared<State>()) {}

Communicator::Communicator(std::shared_ptr<State> state) : state_(std::move(state)) {
    AOCQ_EXPECT(state_ != nullptr);
}

int Communicator::rank() const {
    return state_->rank;
}

int Communicator::size() const {
    return state_->size;
}

int Communicator::local_rank() const {
    return state_->local_rank;
}

int Communicator::local_size() const {
    return state_->local_size;
}

const std::string& Communicator::host() const {
    return state_->host;
}

bool Communicator::is_null() const {
    return state_->handle == MPI_COMM_NULL;
}

Communicator::State& Communicator::state_for_call() const {
    AOCQ_EXPECT(state_->open);
    AOCQ_EXPECT(state_->thread == std::this_thread::get_id());
    return *state_;
}

}  // namespace aocq::par
