// SPDX-License-Identifier: Apache-2.0
// Without a launcher, MPI stays out of the way.
#include "par/MpiScope.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "core/Error.hpp"

namespace aocq::par {
namespace {

class Variable {
  public:
    Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
    ~Variable() { unsetenv(name_); }

  private:
    const char* name_;
};

struct Arguments {
    char name[5] = "aocq";
    char* list[2] = {name, nullptr};
    int count = 1;
    char** values = list;
};

TEST(MpiScope, IsOneRankWithoutALauncher) {
    ASSERT_FALSE(started_by_launcher()) << "run this test without mpirun";
    Arguments arguments;
    const MpiScope scope(arguments.count, arguments.values);
    EXPECT_TRUE(scope.world().is_null());
}

TEST(MpiScope, SeesALauncherUnlessTheUserRefuses) {
    const Variable launcher("OMPI_COMM_WORLD_SIZE", "4");
    EXPECT_TRUE(started_by_launcher());
    {
        const Variable refusal("AOCQ_NO_MPI", "1");
        EXPECT_FALSE(started_by_launcher());
    }
    const Variable no_refusal("AOCQ_NO_MPI", "0");
    EXPECT_TRUE(started_by_launcher());
}

TEST(MpiScope, RefusesSlurmTasksThatDoNotSeeEachOther) {
    const Variable tasks("SLURM_STEP_NUM_TASKS", "4");
    Arguments arguments;
    try {
        const MpiScope scope(arguments.count, arguments.values);
        FAIL() << "four tasks would each take themselves for the only one";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::environment);
        EXPECT_NE(error.remedy().find("--mpi=pmix"), std::string::npos);
    }
}

TEST(MpiScope, AcceptsASingleSlurmTask) {
    const Variable tasks("SLURM_STEP_NUM_TASKS", "1");
    Arguments arguments;
    const MpiScope scope(arguments.count, arguments.values);
    EXPECT_EQ(scope.world().size(), 1);
}

}  // namespace
}  // namespace aocq::par
