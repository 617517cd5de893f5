// SPDX-License-Identifier: Apache-2.0
// What ranks and coordinator say to each other about units.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/Error.hpp"

namespace aocq::engine {

enum class Outcome : std::uint8_t {
    done,         // every unit is done
    some_failed,  // nothing is left to do, but units failed or are blocked by such
    stopped,      // ended early; call again
};

inline constexpr std::uint32_t no_unit = 0xffffffff;

// What a unit took.
struct UnitCost {
    double seconds = 0;
    double cpu_seconds = 0;        // user time of all threads of the process
    std::uint64_t peak_bytes = 0;  // largest resident memory of the process so far
};

// What helps a rank that cannot go on.
enum class Remedy : std::uint8_t {
    again,  // starting anew (a device that answers every call with an error)
    user,   // only a person (a full disk)
};

// From a rank, once for each unit it was given.
struct Report {
    enum class Kind : std::uint8_t {
        result,    // payload
        failure,   // error
        returned,  // not done, because of a stop
        broken,    // error, remedy; this rank cannot compute any more; unit may be no_unit
        stale,     // error, key: what the unit with this key made is gone or damaged
    };
    Kind kind = Kind::returned;
    std::uint32_t unit = no_unit;
    UnitCost cost;
    Remedy remedy = Remedy::again;
    std::string key;
    std::vector<std::byte> payload;
    std::optional<Error> error;
};

// From a rank, once, when it is ready to work.
struct Hello {
    std::string host;
    std::string fingerprint;  // of its unit graph
};

// From the coordinator.
struct Command {
    enum class Kind : std::uint8_t {
        assign,  // run this unit after what you have
        stop,    // return what has not begun, ask what runs to leave off
        end,     // nobody has units any more: leave
    };
    Kind kind = Kind::end;
    int rank = 0;
    std::uint32_t unit = no_unit;
    Outcome outcome = Outcome::done;
};

}  // namespace aocq::engine
