// SPDX-License-Identifier: Apache-2.0
// What one rank tells another: a tag and a bounded number of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "par/Communicator.hpp"

namespace aocq::par {

inline constexpr std::size_t max_message = std::size_t{256} << 20;  // bytes; MPI counts are ints
inline constexpr int max_tag = 32767;                               // the least that MPI promises

struct Message {
    int source;
    int tag;
    std::vector<std::byte> bytes;
};

// The next message that has arrived from anybody, or nothing; never waits for one to be sent.
// Messages of one sender come in the order of sending. A message above `max_message` is refused
// before memory is taken for it. A sender that dies within a large message is an error after 60 s.
std::optional<Message> try_receive(const Communicator& communicator);

}  // namespace aocq::par
