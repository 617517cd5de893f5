// SPDX-License-Identifier: Apache-2.0
// Reports and commands as bytes. Small fixed fields in the machine's own order (all ranks of a job
// are alike), lengths checked on reading; the message tag says which of them it is.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/dispatch/Report.hpp"

namespace aocq::engine {

enum class Tag : int { hello = 1, heartbeat, report, stop_request, bye, command };

// Bytes of a payload that fit into one message together with the header.
std::size_t max_payload();

std::vector<std::byte> encode(const Hello& hello);
std::vector<std::byte> encode(const Report& report);
std::vector<std::byte> encode(const Command& command);  // without the rank

// Error::internal naming what was wrong with the bytes.
Hello decode_hello(std::span<const std::byte> bytes);
Report decode_report(std::span<const std::byte> bytes);
Command decode_command(std::span<const std::byte> bytes, int rank);

}  // namespace aocq::engine
