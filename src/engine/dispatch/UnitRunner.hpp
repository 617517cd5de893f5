// SPDX-License-Identifier: Apache-2.0
// What a rank does with a unit, and the ways in which that can end early.
#pragma once

#include <cstddef>
#include <exception>
#include <stop_token>
#include <vector>

#include "core/Error.hpp"
#include "engine/dispatch/Report.hpp"
#include "engine/dispatch/Unit.hpp"

namespace aocq::engine {

// Thrown by run() when it left off because its stop token asked it to; the unit is not done, what
// it saved is used by the next run.
struct Stopped : std::exception {
    const char* what() const noexcept override { return "stopped on request"; }
};

// Thrown by prepare() or run() when this rank cannot compute any more (a device that answers every
// call with an error). The whole job then stops, to be started again, since a broken rank would
// fail unit after unit faster than the good ones compute.
struct RankBroken : std::exception {
    explicit RankBroken(Error why, Remedy remedy = Remedy::again)
        : error(std::move(why)), helps(remedy) {}
    const char* what() const noexcept override { return error.what(); }
    Error error;
    Remedy helps;
};

// Thrown by run() when what another unit made cannot be read. That one is done again, then this.
struct StaleInput : std::exception {
    StaleInput(std::string unit_key, Error why) : key(std::move(unit_key)), error(std::move(why)) {}
    const char* what() const noexcept override { return error.what(); }
    std::string key;
    Error error;
};

class UnitRunner {
  public:
    virtual ~UnitRunner() = default;

    // Called once on the worker thread before the first unit: thread counts and the device belong
    // to a thread. Any exception means RankBroken.
    virtual void prepare() {}

    // Called on the worker thread only. Exceptions fail the unit: aocq::Error as it is,
    // std::bad_alloc as environment, others as internal. Returns bytes only if the unit
    // `returns_payload`.
    virtual std::vector<std::byte> run(const Unit& unit, std::stop_token stop) = 0;
};

}  // namespace aocq::engine
