// SPDX-License-Identifier: Apache-2.0
#include "engine/dispatch/Coordinator.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/Log.hpp"
#include "core/Text.hpp"

namespace aocq::engine {

Coordinator::Coordinator(const UnitGraph& graph, std::span<const std::uint32_t> done, int ranks,
                         CoordinatorEvents& events, CoordinatorOptions options, double now)
    : graph_(graph),
      scheduler_(graph, done),
      events_(events),
      options_(options),
      ranks_(static_cast<std::size_t>(ranks)),
      started_(now),
      now_(now),
      last_tick_(now),
      last_watch_(now) {
    AOCQ_EXPECT(ranks > 0);
    for (Rank& rank : ranks_) rank.last_heard = now;
    advance();
}

Coordinator::Rank& Coordinator::rank_at(int rank) {
    AOCQ_EXPECT(rank >= 0 && static_cast<std::size_t>(rank) < ranks_.size());
    return ranks_[static_cast<std::size_t>(rank)];
}

// ---- what ranks say ----

void Coordinator::hello(int rank, const Hello& hello, double now) {
    heard(rank, now);
    Rank& state = rank_at(rank);
    AOCQ_EXPECT(!state.here);
    state.here = true;
    state.host = hello.host;
    if (hello.fingerprint != graph_.fingerprint()) {
        fail_run(std::make_exception_ptr(
            Error::environment(fmt::format("rank {} works on another plan", rank))
                .because("it sees other files or runs another build")
                .advise("make the same folder and program visible on every host")
                .at("host", hello.host)));
    }
    idle_.insert(rank);
    advance();
}

void Coordinator::heard(int rank, double now) {
    now_ = now;
    rank_at(rank).last_heard = now;
}

void Coordinator::report(int rank, Report report, double now) {
    heard(rank, now);
    if (report.unit != no_unit || report.kind != Report::Kind::broken) {
        take_from(rank, report.unit);
    }
    switch (report.kind) {
        case Report::Kind::result:
            receive_result(rank, report);
            break;
        case Report::Kind::failure:
            receive_failure(rank, report);
            break;
        case Report::Kind::returned:
            scheduler_.put_back(report.unit, rank);
            break;
        case Report::Kind::broken:
            receive_broken(rank, report);
            break;
        case Report::Kind::stale:
            receive_stale(rank, report);
            break;
    }
    advance();
    if (mode_ == Mode::working) prefetch(rank);
}

void Coordinator::take_from(int rank, std::uint32_t unit) {
    Rank& state = rank_at(rank);
    const auto place = std::find_if(state.units.begin(), state.units.end(),
                                    [&](const Held& held) { return held.unit == unit; });
    if (place == state.units.end()) {
        throw Error::internal(
            fmt::format("rank {} reports on unit {}, which it was not given", rank, unit));
    }
    state.units.erase(place);
    --in_flight_;
    if (state.units.empty()) {
        idle_.insert(rank);
    } else {
        state.units.front().since = now_;
    }
}

void Coordinator::receive_result(int rank, Report& report) {
    if (!scheduler_.complete(report.unit, rank)) return;
    scheduler_.observe(report.unit, report.cost.seconds);
    tell([&] {
        events_.on_result(graph_.unit(report.unit), rank, std::move(report.payload), report.cost);
    });
}

void Coordinator::receive_failure(int rank, const Report& report) {
    if (!scheduler_.is_open(report.unit)) return;  // another rank has done it
    auto blocked = scheduler_.fail(report.unit);
    tell([&] {
        events_.on_failure(graph_.unit(report.unit), rank, *report.error, std::move(blocked));
    });
}

void Coordinator::receive_broken(int rank, const Report& report) {
    log_error("rank {} on host '{}' cannot compute any more, so the job stops: {}", rank,
              rank_at(rank).host, report.error->what());
    if (report.unit != no_unit) scheduler_.put_back(report.unit, rank);
    if (report.remedy == Remedy::user) return fail_run(std::make_exception_ptr(*report.error));
    begin_stop();
}

std::optional<std::uint32_t> Coordinator::unit_with_key(const std::string& key) const {
    for (const Unit& unit : graph_.units()) {  // rare, so without an index
        if (unit.key == key) return unit.index;
    }
    return std::nullopt;
}

void Coordinator::receive_stale(int rank, const Report& report) {
    const auto producer = unit_with_key(report.key);
    if (!producer) {
        throw Error::internal(
            fmt::format("rank {} misses '{}', which no unit makes", rank, report.key));
    }
    if (times_reopened_[*producer] >= options_.reopen_limit) return receive_failure(rank, report);
    scheduler_.put_back(report.unit, rank);
    if (!scheduler_.is_done(*producer)) return;  // another reader has said so before
    ++times_reopened_[*producer];
    scheduler_.reopen(*producer);
    tell([&] {
        events_.on_reopened(graph_.unit(*producer), graph_.unit(report.unit), *report.error);
    });
}

void Coordinator::request_stop() {
    begin_stop();
    advance();
}

void Coordinator::bye(int rank) {
    Rank& state = rank_at(rank);
    AOCQ_EXPECT(mode_ == Mode::ended && !state.gone);
    state.gone = true;
    ++gone_;
}

// ---- what follows from it ----

void Coordinator::advance() {
    if (mode_ == Mode::working && !scheduler_.finished()) hand_out();
    const bool nothing_left = mode_ == Mode::working && scheduler_.finished();
    const bool nothing_runs = mode_ == Mode::stopping && in_flight_ == 0;
    if (nothing_left || nothing_runs) end();
}

void Coordinator::hand_out() {
    while (!idle_.empty()) {
        const int rank = *idle_.begin();
        const auto unit = scheduler_.next(rank);
        if (!unit) return;
        idle_.erase(idle_.begin());
        assign(rank, *unit);
        prefetch(rank);
    }
}

// A second unit saves a rank the wait for the next one, but binds it to this rank: so only while
// there is enough for everybody, and not behind a long one.
void Coordinator::prefetch(int rank) {
    const Rank& state = rank_at(rank);
    if (state.units.size() != 1 || scheduler_.ready() <= ranks_.size()) return;
    if (scheduler_.estimated_seconds(state.units.front().unit) > options_.prefetch_below) return;
    if (const auto unit = scheduler_.next(rank)) assign(rank, *unit);
}

void Coordinator::assign(int rank, std::uint32_t unit) {
    rank_at(rank).units.push_back({unit, now_});
    ++in_flight_;
    commands_.push_back({Command::Kind::assign, rank, unit, Outcome::done});
}

// Only where nothing else is to be had: a second copy takes nobody's turn.
void Coordinator::consider_stragglers() {
    for (const Rank& slow : ranks_) {
        if (idle_.empty() || scheduler_.ready() > 0) return;
        if (slow.units.empty()) continue;
        const Held& held = slow.units.front();
        if (scheduler_.copies(held.unit) != 1 || !scheduler_.has_measured(held.unit)) continue;
        const double usual = scheduler_.estimated_seconds(held.unit);
        const double limit =
            std::max(options_.straggler_seconds, options_.straggler_factor * usual);
        if (now_ - held.since <= limit) continue;
        const int helper = *idle_.begin();
        log_warning("'{}' takes unusually long on host '{}': host '{}' computes it as well",
                    graph_.unit(held.unit).label, slow.host, rank_at(helper).host);
        idle_.erase(idle_.begin());
        scheduler_.reissue(held.unit, helper);
        assign(helper, held.unit);
    }
}

DispatchView Coordinator::view() const {
    DispatchView view{scheduler_.counts(), now_ - started_, {}};
    for (const Rank& rank : ranks_) {
        RankView one{rank.host, std::nullopt, 0};
        if (!rank.units.empty()) {
            one.unit = rank.units.front().unit;
            one.seconds = now_ - rank.units.front().since;
        }
        view.ranks.push_back(std::move(one));
    }
    return view;
}

void Coordinator::begin_stop() {
    if (mode_ != Mode::working) return;
    mode_ = Mode::stopping;
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
        commands_.push_back(
            {Command::Kind::stop, static_cast<int>(rank), no_unit, Outcome::stopped});
    }
}

void Coordinator::end() {
    tell([&] { events_.on_tick(view()); });
    mode_ = Mode::ended;
    outcome_ = Outcome::stopped;
    if (scheduler_.finished() && !error_) {
        const SchedulerCounts counts = scheduler_.counts();
        outcome_ = counts.failed + counts.blocked > 0 ? Outcome::some_failed : Outcome::done;
    }
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) {
        commands_.push_back({Command::Kind::end, static_cast<int>(rank), no_unit, outcome_});
    }
}

void Coordinator::fail_run(std::exception_ptr error) {
    if (!error_) error_ = error;
    begin_stop();
}

template <class Call>
void Coordinator::tell(Call call) {
    if (error_) return;
    try {
        call();
    } catch (...) {
        fail_run(std::current_exception());
    }
}

// ---- time ----

void Coordinator::tick(double now) {
    now_ = now;
    if (mode_ == Mode::ended || now - last_tick_ < options_.tick_every) return;
    last_tick_ = now;
    tell([&] { events_.on_tick(view()); });
    if (mode_ == Mode::working) consider_stragglers();
    advance();
}

std::optional<Error> Coordinator::lost_rank(double now) {
    const double away = now - last_watch_;
    if (away < 0.2) return std::nullopt;
    last_watch_ = now;
    for (std::size_t i = 1; i < ranks_.size(); ++i) {
        Rank& rank = ranks_[i];
        if (rank.gone) continue;
        if (away > 2) rank.last_heard = std::min(now, rank.last_heard + away);
        const double limit = rank.here ? options_.silence_limit : options_.start_limit;
        if (now - rank.last_heard <= limit) continue;
        return Error::environment(fmt::format("rank {} is lost", i))
            .because(fmt::format("nothing heard for {}", human_seconds(now - rank.last_heard)))
            .advise("look at that host's log; run the same command again, nothing done is lost")
            .at("host", rank.here ? rank.host : "unknown, it never reported");
    }
    return std::nullopt;
}

std::vector<Command> Coordinator::take_commands() {
    return std::exchange(commands_, {});
}

}  // namespace aocq::engine
