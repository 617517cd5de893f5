// SPDX-License-Identifier: Apache-2.0
// Starts MPI for the life of one object in main(). Without a launcher (mpirun, srun) MPI is not
// started at all and the run is one rank alone.
#pragma once

#include "par/Communicator.hpp"

namespace aocq::par {

// True where a launcher's environment says that this process is one of several ranks.
// AOCQ_NO_MPI=1 says no in any case.
bool started_by_launcher();

class MpiScope {
  public:
    // Error::environment if MPI lacks MPI_THREAD_FUNNELED, cannot start, or if srun started several
    // tasks that do not see each other (each would take itself for the only one and write the same
    // files).
    MpiScope(int& argc, char**& argv);
    // Waits for the other ranks. If an exception leaves the scope, the others cannot know and would
    // wait for ever: the job is aborted with exit code 1. So report errors inside the scope.
    ~MpiScope();
    MpiScope(const MpiScope&) = delete;
    MpiScope& operator=(const MpiScope&) = delete;

    // All ranks, in a communicator of the project's own, so that nobody else's messages mix with
    // ours. Not to be used after the scope's end.
    const Communicator& world() const { return world_; }

  private:
    Communicator world_;
    int exceptions_at_start_;
    bool running_ = false;
};

}  // namespace aocq::par
