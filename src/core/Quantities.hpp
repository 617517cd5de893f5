// SPDX-License-Identifier: Apache-2.0
// Times and sizes as people write them on a command line.
#pragma once

#include <cstdint>
#include <string>

namespace aocq {

// "90", "90s", "15m", "1h30m", "2d", "1:30:00", "2-12:00:00" (Slurm's forms with seconds) -> s.
// Error(usage) for anything else, and for nothing or less.
double parse_seconds(const std::string& text);

// "500M", "4G", "4GiB", "4096" (bytes); K, M, G, T are powers of 1024. Error(usage) for anything
// else.
std::uint64_t parse_bytes(const std::string& text);

}  // namespace aocq
