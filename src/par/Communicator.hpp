// SPDX-License-Identifier: Apache-2.0
// The ranks of one run. A default-made communicator is one rank alone and makes no MPI call, so
// that everything above works in one process without MPI.
#pragma once

#include <memory>
#include <string>

namespace aocq::par {

class Communicator {
  public:
    Communicator();  // rank 0 of 1

    int rank() const;
    int size() const;
    int local_rank() const;  // among the ranks of this host; binds ranks to devices
    int local_size() const;
    const std::string& host() const;  // for messages only, never for a hash
    bool is_null() const;

    struct State;  // holds the MPI handle; defined inside par
    explicit Communicator(std::shared_ptr<State> state);
    // The handle for a call. Calls from another thread than the one that started MPI, or after its
    // end, are programming errors: MPI runs with MPI_THREAD_FUNNELED.
    State& state_for_call() const;

  private:
    std::shared_ptr<State> state_;
};

}  // namespace aocq::par
