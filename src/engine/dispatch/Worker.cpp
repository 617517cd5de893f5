// SPDX-License-Identifier: Apache-2.0
#include "engine/dispatch/Worker.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <new>

#include "core/Text.hpp"
#include "engine/dispatch/Protocol.hpp"

namespace aocq::engine {
namespace {

// The exception being handled, as the project's error.
Error current_error() {
    try {
        throw;
    } catch (const Error& error) {
        return error;
    } catch (const std::bad_alloc&) {
        return Error::environment("out of memory")
            .advise("run fewer ranks on this host, or use a smaller batch");
    } catch (const std::exception& error) {
        return Error::internal(error.what());
    } catch (...) {
        return Error::internal("an exception of unknown type");
    }
}

class CostMeter {
  public:
    CostMeter() { forget_peak(); }

    UnitCost read() const {
        const rusage now = usage();
        const auto cpu = static_cast<double>(now.ru_utime.tv_sec - start_.ru_utime.tv_sec) +
                         1e-6 * static_cast<double>(now.ru_utime.tv_usec - start_.ru_utime.tv_usec);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin_;
        return {took.count(), std::max(cpu, 0.0),
                static_cast<std::uint64_t>(now.ru_maxrss) * 1024};  // Linux counts in KiB
    }

  private:
    // So that a unit's peak is its own. Where the system does not allow it, the peak is the largest
    // so far.
    static void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

    // Of the process, since a matrix library has threads of its own.
    static rusage usage() {
        rusage now{};
        AOCQ_ASSERT(getrusage(RUSAGE_SELF, &now) == 0);
        return now;
    }
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    rusage start_ = usage();
};

Error named(Error error, const Unit& unit) {
    if (error.field("unit").empty()) error.at("unit", unit.label);
    return error;
}

}  // namespace

Worker::Worker(const UnitGraph& graph, UnitRunner& runner)
    : graph_(graph), runner_(runner), thread_([this] { work(); }) {}

Worker::~Worker() {
    stop_.request_stop();
    mailbox_.close();
    thread_.join();
}

void Worker::give(std::uint32_t unit) {
    AOCQ_EXPECT(unit < graph_.size());
    mailbox_.give(unit);
}

void Worker::request_stop() {
    stop_.request_stop();
    for (const std::uint32_t unit : mailbox_.withdraw()) {
        Report report;
        report.unit = unit;
        mailbox_.put(std::move(report));
    }
}

std::vector<Report> Worker::wait_reports(std::chrono::microseconds limit) {
    return mailbox_.wait_reports(limit);
}

void Worker::work() {
    broken_ = !prepare();
    while (const auto unit = mailbox_.take()) mailbox_.put(run(*unit));
}

bool Worker::prepare() {
    Report report;
    report.kind = Report::Kind::broken;
    try {
        runner_.prepare();
        return true;
    } catch (const RankBroken& broken) {
        report.error = broken.error;
        report.remedy = broken.helps;
    } catch (...) {
        report.error = current_error();
    }
    mailbox_.put(std::move(report));
    return false;
}

Report Worker::run(std::uint32_t index) {
    const Unit& unit = graph_.unit(index);
    Report report;
    report.unit = index;
    if (broken_ || stop_.stop_requested()) return report;
    const CostMeter meter;
    try {
        report.payload = run_checked(unit);
        report.kind = Report::Kind::result;
    } catch (const Stopped&) {
        if (stop_.stop_requested()) return report;
        report.kind = Report::Kind::failure;
        report.error = named(Error::internal("a unit stopped without having been asked"), unit);
    } catch (const RankBroken& broken) {
        broken_ = true;
        report.kind = Report::Kind::broken;
        report.error = named(broken.error, unit);
        report.remedy = broken.helps;
    } catch (const StaleInput& stale) {
        report.kind = Report::Kind::stale;
        report.error = named(stale.error, unit);
        report.key = stale.key;
    } catch (...) {
        report.kind = Report::Kind::failure;
        report.error = named(current_error(), unit);
    }
    report.cost = meter.read();
    return report;
}

std::vector<std::byte> Worker::run_checked(const Unit& unit) {
    auto payload = runner_.run(unit, stop_.get_token());
    AOCQ_ENSURE(unit.returns_payload || payload.empty());
    if (payload.size() > max_payload()) {
        throw Error::environment(fmt::format("the result of '{}' is too large to send", unit.label))
            .advise("use smaller leases")
            .found(human_bytes(payload.size()))
            .wanted("at most " + human_bytes(max_payload()));
    }
    return payload;
}

}  // namespace aocq::engine
