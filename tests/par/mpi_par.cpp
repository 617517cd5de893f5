// SPDX-License-Identifier: Apache-2.0
// Run under mpirun: what ranks tell each other arrives whole, in order, and without burning cores.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <thread>

#include "core/Error.hpp"
#include "core/Log.hpp"
#include "par/Collective.hpp"
#include "par/Message.hpp"
#include "par/MpiScope.hpp"
#include "par/Outbox.hpp"

using namespace aocq;

namespace {

void require(const par::Communicator& world, bool holds, const std::string& what) {
    if (holds) return;
    log_error("does not hold: {}", what);
    par::abort_job(world, 1);
}

void check_places(const par::Communicator& world) {
    require(world, world.rank() >= 0 && world.rank() < world.size(), "rank within size");
    const auto ranks = par::gather_all(world, std::to_string(world.rank()));
    require(world, ranks.size() == static_cast<std::size_t>(world.size()), "a text of every rank");
    for (int i = 0; i < world.size(); ++i) {
        require(world, ranks[static_cast<std::size_t>(i)] == std::to_string(i), "order of ranks");
    }
    const auto places =
        par::gather_all(world, fmt::format("{} {}", world.host(), world.local_rank()));
    require(world, std::set(places.begin(), places.end()).size() == places.size(),
            "local ranks of a host differ");
}

void check_broadcast(const par::Communicator& world) {
    const std::string large(5'000'000, 'x');
    for (const std::string& text : {std::string(), std::string("plan"), large}) {
        const bool first = world.rank() == 0;
        require(world, par::broadcast_all(world, first ? text : "wrong") == text, "rank 0's text");
    }
    std::string problem;
    try {
        par::broadcast_made_all(world, []() -> std::string { throw Error::config("bad study"); });
    } catch (const Error& error) {
        problem = error.problem();
    }
    require(world, problem == "bad study", "rank 0's error on every rank");
}

// Content that shows sender and number.
std::vector<std::byte> letter(int source, int number) {
    const std::size_t size = number == 7 ? 3'000'000 : static_cast<std::size_t>(number * 37);
    return std::vector<std::byte>(size, static_cast<std::byte>(source * 31 + number));
}

void check_messages(const par::Communicator& world) {
    constexpr int letters = 20;
    par::Outbox outbox(world);
    for (int number = 0; number < letters; ++number) {
        for (int other = 0; other < world.size(); ++other) {
            if (other == world.rank()) continue;
            outbox.send(other, number, letter(world.rank(), number), "a letter");
        }
    }
    std::map<int, int> received;
    int open = letters * (world.size() - 1);
    while (open > 0) {
        outbox.progress();
        const auto message = par::try_receive(world);
        if (!message) {
            std::this_thread::sleep_for(std::chrono::microseconds(200));
            continue;
        }
        require(world, message->tag == received[message->source]++, "order of one sender");
        require(world, message->bytes == letter(message->source, message->tag), "whole content");
        --open;
    }
    require(world, outbox.flush(std::chrono::seconds(30)), "everything is delivered");
    require(world, outbox.pending_bytes() == 0, "nothing is kept");
    par::barrier_all(world);
    require(world, !par::try_receive(world), "nothing else comes");
}

void check_size_limit(const par::Communicator& world) {
    if (world.rank() != 0 || world.size() == 1) return;
    par::Outbox outbox(world);
    std::string problem;
    try {
        outbox.send(1, 0, std::vector<std::byte>(par::max_message + 1), "unit 'collect x chunk 1'");
    } catch (const Error& error) {
        problem = error.what();
    }
    require(world, problem.find("collect x chunk 1") != std::string::npos, "the error names it");
    require(world, outbox.empty(), "nothing was sent");
}

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void check_waiting_sleeps(const par::Communicator& world) {
    par::barrier_all(world);
    const double before = cpu_seconds();
    if (world.rank() == 0) std::this_thread::sleep_for(std::chrono::seconds(2));
    par::barrier_all(world);
    const double used = cpu_seconds() - before;
    require(world, used < 1.0, fmt::format("2 s of waiting used {} s of a core", used));
}

void check_thread(const par::Communicator& world) {
    bool refused = world.is_null();
    std::thread([&] {
        try {
            par::try_receive(world);
        } catch (const Error&) {
            refused = true;
        }
    }).join();
    require(world, refused, "calls from another thread are refused");
}

// One rank leaves MPI's scope by an exception while the others wait for it.
int leave_by_exception(int argc, char** argv) try {
    const par::MpiScope mpi(argc, argv);
    if (mpi.world().rank() == 1) throw Error::internal("one rank only");
    par::barrier_all(mpi.world());
    return 0;
} catch (const Error&) {
    return 0;  // not reached: the scope's end aborts
}

}  // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "";
    if (mode == "exception") return leave_by_exception(argc, argv);
    const par::MpiScope mpi(argc, argv);
    const par::Communicator& world = mpi.world();
    configure_log({LogLevel::info, world.rank(), world.size()});
    if (mode == "abort") {
        if (world.rank() == world.size() - 1) par::abort_job(world, exit_again);
        par::barrier_all(world);
        return 0;
    }
    require(world, !world.is_null(), "started by mpirun");
    check_places(world);
    check_broadcast(world);
    check_messages(world);
    check_size_limit(world);
    check_waiting_sleeps(world);
    check_thread(world);
    log_once("all checks passed");
    return 0;
}
