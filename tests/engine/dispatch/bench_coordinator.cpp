// SPDX-License-Identifier: Apache-2.0
// What the coordinator itself costs: a study of 100,000 units on 1024 ranks whose units take no
// time, so that all that is measured is handing out and receiving. Prints microseconds per unit and
// the number of ranks that one coordinator could keep busy with units of one second.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

#include "engine/dispatch/Coordinator.hpp"
#include "engine/dispatch/Graphs.hpp"
#include "engine/dispatch/Protocol.hpp"

namespace {

using namespace aocq::engine;

struct CountedEvents : CoordinatorEvents {
    void on_result(const Unit&, int, std::vector<std::byte>, const UnitCost&) override {
        ++results;
    }
    void on_failure(const Unit&, int, const aocq::Error&, std::vector<std::uint32_t>) override {}
    std::size_t results = 0;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
    const int ranks = argc > 1 ? std::atoi(argv[1]) : 1024;
    const UnitGraph graph = test::study_graph(16, 400, 20, 230);
    const auto start = std::chrono::steady_clock::now();
    CountedEvents events;
    Coordinator coordinator(graph, {}, ranks, events, {}, 0);
    for (int rank = 0; rank < ranks; ++rank) {
        coordinator.hello(rank, {"host", graph.fingerprint()}, 0);
    }
    const double built = seconds_since(start);
    double now = 0;
    bool ended = false;
    while (!ended) {
        now += 1e-3;
        coordinator.tick(now);
        for (const Command& command : coordinator.take_commands()) {
            if (command.kind == Command::Kind::end) ended = true;
            if (command.kind != Command::Kind::assign) continue;
            // Over the wire and back, as between hosts.
            const Command told = decode_command(encode(command), command.rank);
            Report report;
            report.kind = Report::Kind::result;
            report.unit = told.unit;
            report.cost.seconds = 1;
            report.payload.resize(1024);
            coordinator.report(told.rank, decode_report(encode(report)), now);
        }
    }
    const double worked = seconds_since(start) - built;
    const double per_unit = worked / static_cast<double>(graph.size());
    fmt::print(
        "{} units on {} ranks: start {:.3f} s, {:.2f} us per unit, enough for {:.0f} ranks\n",
        events.results, ranks, built, per_unit * 1e6, 1 / per_unit);
    return events.results == graph.size() ? 0 : 1;
}
