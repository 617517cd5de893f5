// SPDX-License-Identifier: Apache-2.0
#include "par/MpiScope.hpp"

#include <array>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "core/Error.hpp"
#include "core/Log.hpp"
#include "par/CommunicatorState.hpp"

namespace aocq::par {
namespace {

const char* variable(const char* name) {
    const char* value = std::getenv(name);
    return value && *value ? value : nullptr;
}

bool is_set(const char* name) {
    return variable(name) != nullptr;
}

bool refused_by_user() {
    const char* value = variable("AOCQ_NO_MPI");
    return value && std::string_view(value) != "0";
}

// Open MPI's mpirun, PMIx (srun --mpi=pmix, prun), PMI-1/2 (srun --mpi=pmi2, MPICH's mpiexec,
// PALS).
bool has_launcher_variable() {
    for (const char* name :
         {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE", "PMI_FD", "PMI_ID"}) {
        if (is_set(name)) return true;
    }
    return false;
}

int slurm_tasks() {
    const char* value = variable("SLURM_STEP_NUM_TASKS");
    return value ? std::atoi(value) : 0;
}

void refuse_lonely_slurm_tasks() {
    if (slurm_tasks() < 2) return;
    throw Error::environment("srun started several tasks that do not see each other")
        .because("Slurm offered no process manager that MPI understands")
        .advise("start with `srun --mpi=pmix`, or with mpirun inside the allocation")
        .at("tasks", std::to_string(slurm_tasks()));
}

void start_mpi(int& argc, char**& argv) {
    int provided = MPI_THREAD_SINGLE;
    const int code = MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
    if (code != MPI_SUCCESS) {
        throw Error::environment("MPI does not start")
            .advise("check the launcher, or run alone with AOCQ_NO_MPI=1")
            .found("MPI error " + std::to_string(code));
    }
    check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN),
              "MPI_Comm_set_errhandler");
    if (provided < MPI_THREAD_FUNNELED) {
        throw Error::environment("MPI was built without thread support")
            .advise("use an MPI that provides MPI_THREAD_FUNNELED, or run with AOCQ_NO_MPI=1");
    }
}

std::string processor_name() {
    char name[MPI_MAX_PROCESSOR_NAME + 1] = {};
    int length = 0;
    check_mpi(MPI_Get_processor_name(name, &length), "MPI_Get_processor_name");
    return {name, static_cast<std::size_t>(length)};
}

void find_place_on_host(Communicator::State& state) {
    MPI_Comm local = MPI_COMM_NULL;
    check_mpi(
        MPI_Comm_split_type(state.handle, MPI_COMM_TYPE_SHARED, state.rank, MPI_INFO_NULL, &local),
        "MPI_Comm_split_type");
    check_mpi(MPI_Comm_rank(local, &state.local_rank), "MPI_Comm_rank");
    check_mpi(MPI_Comm_size(local, &state.local_size), "MPI_Comm_size");
    check_mpi(MPI_Comm_free(&local), "MPI_Comm_free");
}

std::shared_ptr<Communicator::State> open_world() {
    auto state = std::make_shared<Communicator::State>();
    check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &state->handle), "MPI_Comm_dup");
    check_mpi(MPI_Comm_set_errhandler(state->handle, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
    check_mpi(MPI_Comm_rank(state->handle, &state->rank), "MPI_Comm_rank");
    check_mpi(MPI_Comm_size(state->handle, &state->size), "MPI_Comm_size");
    find_place_on_host(*state);
    state->host = processor_name();
    state->thread = std::this_thread::get_id();
    state->open = true;
    return state;
}

}  // namespace

bool started_by_launcher() {
    return !refused_by_user() && has_launcher_variable();
}

MpiScope::MpiScope(int& argc, char**& argv) : exceptions_at_start_(std::uncaught_exceptions()) {
    if (!started_by_launcher()) {
        if (!refused_by_user()) refuse_lonely_slurm_tasks();
        return;
    }
    start_mpi(argc, argv);
    world_ = Communicator(open_world());
    running_ = true;
    if (world_.size() == 1 && !is_set("OMPI_COMM_WORLD_SIZE")) refuse_lonely_slurm_tasks();
}

MpiScope::~MpiScope() {
    if (!running_) return;
    Communicator::State& state = world_.state_for_call();
    if (state.size > 1 && std::uncaught_exceptions() > exceptions_at_start_) {
        MPI_Abort(state.handle, exit_internal);
    }
    // A destructor must not throw; what goes wrong here harms nobody any more.
    if (MPI_Comm_free(&state.handle) != MPI_SUCCESS) log_warning("MPI_Comm_free failed");
    state.open = false;
    if (MPI_Finalize() != MPI_SUCCESS) log_warning("MPI_Finalize failed");
}

}  // namespace aocq::par
