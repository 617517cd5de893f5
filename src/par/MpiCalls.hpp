// SPDX-License-Identifier: Apache-2.0
// The one place that includes mpi.h, with the check that every return code goes through; for the
// files of par only.
#pragma once

// The C interface is all that is used; the removed C++ bindings would only add warnings.
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include <chrono>

namespace aocq::par {

// Error::environment naming the call and MPI's own text. Needs MPI_ERRORS_RETURN on the
// communicator: the default handler would kill the job without a word of ours.
void check_mpi(int code, const char* call);

// Completes a request with short sleeps between tests: MPI_Wait would keep a core busy, which the
// computing thread of this rank needs. Sleeps grow to `longest_sleep`.
void wait_sleeping(MPI_Request& request, const char* call,
                   std::chrono::microseconds longest_sleep = std::chrono::milliseconds(2));

}  // namespace aocq::par
