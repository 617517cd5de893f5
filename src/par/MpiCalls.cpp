// SPDX-License-Identifier: Apache-2.0
#include "par/MpiCalls.hpp"

#include <algorithm>
#include <string>
#include <thread>

#include "core/Error.hpp"

namespace aocq::par {

void check_mpi(int code, const char* call) {
    if (code == MPI_SUCCESS) return;
    char text[MPI_MAX_ERROR_STRING + 1] = {};
    int length = 0;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS) length = 0;
    throw Error::environment("communication between ranks failed")
        .because(length > 0 ? std::string(text, static_cast<std::size_t>(length))
                            : "MPI error " + std::to_string(code))
        .advise("look for a dead rank or node in the log; run the same command again")
        .at("call", call);
}

void wait_sleeping(MPI_Request& request, const char* call,
                   std::chrono::microseconds longest_sleep) {
    std::chrono::microseconds sleep{0};
    while (true) {
        int done = 0;
        check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), call);
        if (done) return;
        if (sleep.count() == 0) {
            std::this_thread::yield();
        } else {
            std::this_thread::sleep_for(sleep);
        }
        sleep = std::min(longest_sleep, sleep * 3 / 2 + std::chrono::microseconds(10));
    }
}

}  // namespace aocq::par
