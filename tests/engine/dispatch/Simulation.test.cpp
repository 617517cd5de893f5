// SPDX-License-Identifier: Apache-2.0
// The scheduler with a thousand ranks in simulated time: uneven units, slow ranks, lost ranks.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <queue>
#include <set>
#include <tuple>
#include <vector>

#include "core/Random.hpp"
#include "engine/dispatch/Graphs.hpp"
#include "engine/dispatch/Scheduler.hpp"

namespace aocq::engine {
namespace {

struct Machine {
    int ranks;
    int slow_every = 0;             // each n-th rank has half the speed; 0: none
    double unevenness = 0;          // a unit takes estimate * (1 ± unevenness)
    std::set<int> lost_ranks = {};  // vanish in the middle of their third unit
    int stale_every = 0;            // each n-th completion finds an input of the unit damaged
    int twice_every = 0;            // each n-th unit is given to a second rank as well
};

struct Figures {
    double end = 0;                   // s of simulated time
    double efficiency = 0;            // busy seconds / (ranks * end)
    std::vector<int> times_run = {};  // accepted completions
    int reopened = 0;
    double seconds_per_operation = 0;  // of this computer
};

class Simulation {
  public:
    Simulation(const UnitGraph& graph, const Machine& machine)
        : graph_(graph), machine_(machine), scheduler_(graph, {}) {
        run_.times_run.assign(graph.size(), 0);
        units_of_rank_.assign(static_cast<std::size_t>(machine.ranks), 0);
        for (int rank = 0; rank < machine.ranks; ++rank) idle_.insert(rank);
    }

    Figures run() {
        const auto begin = std::chrono::steady_clock::now();
        hand_out();
        while (!events_.empty()) {
            const Event event = events_.top();
            events_.pop();
            now_ = event.time;
            arrive(event);
            hand_out();
        }
        EXPECT_TRUE(scheduler_.finished());
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        run_.end = now_;
        run_.efficiency = busy_ / (machine_.ranks * now_);
        run_.seconds_per_operation = took.count() / static_cast<double>(operations_);
        return run_;
    }

  private:
    struct Event {
        double time;
        int rank;
        std::uint32_t unit;
        double seconds;
        bool vanishes;
        bool operator>(const Event& other) const {
            return std::tie(time, rank) > std::tie(other.time, other.rank);
        }
    };

    void arrive(const Event& event) {
        ++operations_;
        if (event.vanishes) {
            scheduler_.lost(event.rank);
            return;
        }
        busy_ += event.seconds;
        idle_.insert(event.rank);
        const auto& needs = graph_.unit(event.unit).needs;
        if (!needs.empty() && machine_.stale_every > 0 && ++arrivals_ % machine_.stale_every == 0) {
            const auto damaged = needs[static_cast<std::size_t>(arrivals_) % needs.size()];
            scheduler_.put_back(event.unit, event.rank);
            if (scheduler_.is_done(damaged)) {
                scheduler_.reopen(damaged);
                ++run_.reopened;
            }
            return;
        }
        const bool first = scheduler_.is_open(event.unit);
        EXPECT_EQ(scheduler_.complete(event.unit, event.rank), first);
        if (!first) return;
        ++run_.times_run[event.unit];
        scheduler_.observe(event.unit, event.seconds);
        for (const auto need : graph_.unit(event.unit).needs) EXPECT_GT(run_.times_run[need], 0);
    }

    void hand_out() {
        while (!idle_.empty()) {
            const int rank = *idle_.begin();
            ++operations_;
            const auto unit = scheduler_.next(rank);
            if (!unit) return;
            idle_.erase(idle_.begin());
            begin(*unit, rank);
            if (machine_.twice_every > 0 &&
                *unit % static_cast<unsigned>(machine_.twice_every) == 0 && !idle_.empty()) {
                const int second = *idle_.begin();
                idle_.erase(idle_.begin());
                scheduler_.reissue(*unit, second);
                begin(*unit, second);
            }
        }
    }

    void begin(std::uint32_t unit, int rank) {
        const double seconds = duration(unit, rank);
        const int nth = ++units_of_rank_[static_cast<std::size_t>(rank)];
        const bool vanishes = machine_.lost_ranks.contains(rank) && nth == 3;
        events_.push({now_ + seconds * (vanishes ? 0.5 : 1.0), rank, unit, seconds, vanishes});
    }

    double duration(std::uint32_t unit, int rank) const {
        RandomStream random(RandomKey(1).child(unit));
        const bool slow = machine_.slow_every > 0 && rank % machine_.slow_every == 0;
        const double spread = random.uniform(1 - machine_.unevenness, 1 + machine_.unevenness);
        return graph_.unit(unit).cost * spread * (slow ? 2 : 1);
    }

    const UnitGraph& graph_;
    const Machine& machine_;
    Scheduler scheduler_;
    std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
    std::set<int> idle_;
    std::vector<int> units_of_rank_;
    Figures run_;
    double now_ = 0;
    double busy_ = 0;
    std::size_t operations_ = 0;
    int arrivals_ = 0;
};

Figures simulate(const UnitGraph& graph, const Machine& machine) {
    return Simulation(graph, machine).run();
}

void expect_each_once(const Figures& run) {
    EXPECT_EQ(std::count(run.times_run.begin(), run.times_run.end(), 1),
              static_cast<std::ptrdiff_t>(run.times_run.size()));
}

TEST(Simulation, AThousandRanksAreBusyWithAHundredThousandUnits) {
    std::vector<Unit> units;
    RandomStream random(RandomKey(7));
    for (std::uint32_t i = 0; i < 100000; ++i) {
        units.push_back(
            test::make_unit(i, {}, random.uniform(0.2, 3), i % 3 ? "evaluate" : "pass"));
    }
    const UnitGraph graph(std::move(units));
    const Figures run = simulate(graph, {.ranks = 1024, .slow_every = 8, .unevenness = 0.5});
    expect_each_once(run);
    EXPECT_GE(run.efficiency, 0.95);
    EXPECT_LT(run.seconds_per_operation, 50e-6);
    RecordProperty("efficiency", std::to_string(run.efficiency));
    RecordProperty("seconds_per_operation", std::to_string(run.seconds_per_operation));
}

TEST(Simulation, StudiesWithChainsKeepRanksBusyToo) {
    // 400 experiments of 20 passes and 230 leases: 100,016 units, on 256 ranks.
    const UnitGraph graph = test::study_graph(16, 400, 20, 230);
    const Figures run = simulate(graph, {.ranks = 256, .slow_every = 16, .unevenness = 0.5});
    expect_each_once(run);
    EXPECT_GE(run.efficiency, 0.95);
    EXPECT_LT(run.seconds_per_operation, 50e-6);
}

TEST(Simulation, ALongChainIsNotLeftForTheEnd) {
    // A chain of 50 s beside 10,000 units of 0.1 s: on 32 ranks an ideal schedule takes 50 s.
    std::vector<Unit> units;
    for (std::uint32_t i = 0; i < 10000; ++i) units.push_back(test::make_unit(i, {}, 0.1, "short"));
    for (std::uint32_t i = 0; i < 50; ++i) {
        const std::uint32_t index = 10000 + i;
        units.push_back(test::make_unit(
            index, i ? std::vector{index - 1} : std::vector<std::uint32_t>{}, 1, "chain"));
    }
    const UnitGraph graph(std::move(units));
    const Figures run = simulate(graph, {.ranks = 32});
    expect_each_once(run);
    EXPECT_LT(run.end, 50 * 1.02);
}

TEST(Simulation, WrongEstimatesOfAKindAreLearnt) {
    // The chain's units are estimated at a hundredth of what they take, so at first they look
    // unimportant.
    std::vector<Unit> units;
    for (std::uint32_t i = 0; i < 4000; ++i) units.push_back(test::make_unit(i, {}, 1, "short"));
    for (std::uint32_t i = 0; i < 20; ++i) {
        const std::uint32_t index = 4000 + i;
        units.push_back(test::make_unit(index, {}, 0.01, "long"));
    }
    const UnitGraph graph(std::move(units));
    Scheduler scheduler(graph, {});
    std::vector<std::uint32_t> order;
    for (int i = 0; i < 200; ++i) {
        if (i == 1) {  // one of the long ones was done by chance
            scheduler.observe(4000, 100);
            scheduler.complete(4000, 1);
        }
        const auto unit = scheduler.next(0);
        ASSERT_TRUE(unit);
        order.push_back(*unit);
        scheduler.observe(*unit, *unit >= 4000 ? 100 : 1);
        scheduler.complete(*unit, 0);
    }
    const auto found = std::count_if(order.begin(), order.end(), [](auto u) { return u >= 4000; });
    EXPECT_EQ(found, 19);
}

TEST(Simulation, NothingIsLostWithLostRanks) {
    const UnitGraph graph = test::study_graph(8, 20, 5, 40);
    Machine machine{.ranks = 64, .slow_every = 4, .unevenness = 0.3};
    for (int rank = 0; rank < 64; rank += 5) machine.lost_ranks.insert(rank);
    expect_each_once(simulate(graph, machine));
}

TEST(Simulation, UnitsOfTwoRanksAreAcceptedOnceAlsoWhenOneVanishes) {
    const UnitGraph graph = test::study_graph(8, 20, 5, 40);
    Machine machine{.ranks = 64, .slow_every = 4, .unevenness = 0.3, .twice_every = 7};
    for (int rank = 1; rank < 64; rank += 6) machine.lost_ranks.insert(rank);
    expect_each_once(simulate(graph, machine));
}

TEST(Simulation, DamagedInputsAreMadeAgainAndNothingIsLost) {
    const UnitGraph graph = test::study_graph(8, 20, 5, 40);
    Machine machine{.ranks = 32, .unevenness = 0.3, .lost_ranks = {3, 9}, .stale_every = 50};
    const Figures run = simulate(graph, machine);
    EXPECT_GT(run.reopened, 5);
    const auto times = std::accumulate(run.times_run.begin(), run.times_run.end(), 0);
    EXPECT_EQ(times, static_cast<int>(graph.size()) + run.reopened);
}

TEST(Simulation, AnyNumberOfRanksIsKeptBusy) {
    for (const int ranks : {1, 2, 3, 7, 16, 128, 1024}) {
        const UnitGraph graph = test::flat_graph(static_cast<std::uint32_t>(ranks) * 80, 1);
        const Figures run = simulate(graph, {.ranks = ranks, .slow_every = 5, .unevenness = 0.6});
        expect_each_once(run);
        EXPECT_GE(run.efficiency, 0.95) << ranks;
    }
}

TEST(Simulation, OneRankDoesEverything) {
    const UnitGraph graph = test::study_graph(3, 4, 3, 5);
    const Figures run = simulate(graph, {.ranks = 1});
    expect_each_once(run);
    EXPECT_NEAR(run.efficiency, 1.0, 1e-9);
}

}  // namespace
}  // namespace aocq::engine
