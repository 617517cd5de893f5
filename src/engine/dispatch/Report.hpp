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

// From a rank, once for each unit it was given.
struct Report {
    enum class Kind : std::uint8_t {
        result,    // payload
        failure,   // error
        returned,  // not done, because of a stop
        broken,    // error; this rank cannot compute any more; unit may be no_unit
    };
    Kind kind = Kind::returned;
    std::uint32_t unit = no_unit;
    double seconds = 0;
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
