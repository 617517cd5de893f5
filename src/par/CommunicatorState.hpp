// SPDX-License-Identifier: Apache-2.0
// The inside of a communicator; for the files of par only.
#pragma once

#include <string>
#include <thread>

#include "par/Communicator.hpp"
#include "par/MpiCalls.hpp"

namespace aocq::par {

struct Communicator::State {
    MPI_Comm handle = MPI_COMM_NULL;  // null: one rank alone
    int rank = 0;
    int size = 1;
    int local_rank = 0;
    int local_size = 1;
    std::string host = "localhost";
    std::thread::id thread;  // the one thread that may call MPI
    bool open = false;
};

}  // namespace aocq::par
