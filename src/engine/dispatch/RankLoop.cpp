// SPDX-License-Identifier: Apache-2.0
#include "engine/dispatch/RankLoop.hpp"

#include <fmt/format.h>

#include "core/Log.hpp"
#include "par/Collective.hpp"

namespace aocq::engine {
namespace {

constexpr int messages_per_round = 256;              // then time, stop and own worker again
constexpr std::chrono::microseconds short_poll{50};  // while bytes are under way
constexpr std::chrono::seconds farewell_limit{60};

using Clock = std::chrono::steady_clock;

[[noreturn]] void unexpected(const par::Message& message) {
    throw Error::internal(
        fmt::format("rank {} sent a message with unknown tag {}", message.source, message.tag));
}

void say_farewell(par::Outbox& outbox) {
    if (!outbox.flush(farewell_limit)) {
        throw Error::environment("the last messages between ranks do not get through");
    }
}

}  // namespace

CoordinatorLoop::CoordinatorLoop(const par::Communicator& communicator, const UnitGraph& graph,
                                 UnitRunner& runner, CoordinatorEvents& events,
                                 const DispatchOptions& options)
    : communicator_(communicator),
      events_(events),
      options_(options),
      start_(Clock::now()),
      coordinator_(graph, options.done, communicator.size(), events, options.coordinator, 0.0),
      outbox_(communicator),
      worker_(graph, runner) {
    coordinator_.hello(0, {communicator.host(), graph.fingerprint()}, now());
}

double CoordinatorLoop::now() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
}

void CoordinatorLoop::run() {
    while (!coordinator_.over()) {
        const bool busy = receive();
        relay_own_reports(busy);
        if (options_.stop && options_.stop()) coordinator_.request_stop();
        coordinator_.tick(now());
        watch();
        for (const Command& command : coordinator_.take_commands()) carry_out(command);
        outbox_.progress();
    }
    say_farewell(outbox_);
}

bool CoordinatorLoop::receive() {
    for (int count = 0; count < messages_per_round; ++count) {
        auto message = par::try_receive(communicator_);
        if (!message) return count > 0;
        handle(std::move(*message));
    }
    return true;
}

void CoordinatorLoop::handle(par::Message message) {
    const int rank = message.source;
    coordinator_.heard(rank, now());
    switch (static_cast<Tag>(message.tag)) {
        case Tag::hello:
            return coordinator_.hello(rank, decode_hello(message.bytes), now());
        case Tag::heartbeat:
            return;
        case Tag::report:
            return coordinator_.report(rank, decode_report(message.bytes), now());
        case Tag::stop_request:
            log_info("rank {} was asked to stop", rank);
            return coordinator_.request_stop();
        case Tag::bye:
            return coordinator_.bye(rank);
        case Tag::command:
            break;
    }
    unexpected(message);
}

void CoordinatorLoop::relay_own_reports(bool busy) {
    auto wait = outbox_.empty() ? options_.poll : short_poll;
    if (busy) wait = std::chrono::microseconds(0);
    for (Report& report : worker_.wait_reports(wait))
        coordinator_.report(0, std::move(report), now());
}

void CoordinatorLoop::carry_out(const Command& command) {
    if (command.rank != 0) {
        outbox_.send(command.rank, static_cast<int>(Tag::command), encode(command), "a command");
        return;
    }
    switch (command.kind) {
        case Command::Kind::assign:
            return worker_.give(command.unit);
        case Command::Kind::stop:
            return worker_.request_stop();
        case Command::Kind::end:
            return coordinator_.bye(0);
    }
}

void CoordinatorLoop::watch() {
    const auto error = coordinator_.lost_rank(now());
    if (!error) return;
    log_error("{}", error->what());
    try {
        events_.on_lost(*error);
    } catch (const std::exception& second) {
        log_error("what had come in could not be written: {}", second.what());
    }
    par::abort_job(communicator_, exit_again);
}

WorkerLoop::WorkerLoop(const par::Communicator& communicator, const UnitGraph& graph,
                       UnitRunner& runner, const DispatchOptions& options)
    : communicator_(communicator),
      graph_(graph),
      options_(options),
      last_beat_(Clock::now()),
      outbox_(communicator),
      worker_(graph, runner) {}

Outcome WorkerLoop::run() {
    send(Tag::hello, encode(Hello{communicator_.host(), graph_.fingerprint()}), "a greeting");
    while (!ended_) {
        receive();
        send_reports();
        beat();
        outbox_.progress();
    }
    send(Tag::bye, {}, "a farewell");
    say_farewell(outbox_);
    return *ended_;
}

void WorkerLoop::receive() {
    while (const auto message = par::try_receive(communicator_)) {
        if (message->tag != static_cast<int>(Tag::command)) unexpected(*message);
        handle(decode_command(message->bytes, communicator_.rank()));
    }
}

void WorkerLoop::handle(const Command& command) {
    switch (command.kind) {
        case Command::Kind::assign:
            return worker_.give(command.unit);
        case Command::Kind::stop:
            return worker_.request_stop();
        case Command::Kind::end:
            ended_ = command.outcome;
            return;
    }
}

void WorkerLoop::send(Tag tag, std::vector<std::byte> bytes, std::string_view what) {
    outbox_.send(0, static_cast<int>(tag), std::move(bytes), what);
}

void WorkerLoop::send_reports() {
    const auto wait = outbox_.empty() ? options_.poll : short_poll;
    for (const Report& report : worker_.wait_reports(wait)) {
        const std::string what = report.unit < graph_.size()
                                     ? "the report on '" + graph_.unit(report.unit).label + "'"
                                     : "a report";
        send(Tag::report, encode(report), what);
    }
}

void WorkerLoop::beat() {
    if (!told_stop_ && options_.stop && options_.stop()) {
        told_stop_ = true;
        send(Tag::stop_request, {}, "a request to stop");
    }
    if (Clock::now() - last_beat_ < options_.heartbeat) return;
    last_beat_ = Clock::now();
    send(Tag::heartbeat, {}, "a heartbeat");
}

}  // namespace aocq::engine
