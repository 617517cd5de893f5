// SPDX-License-Identifier: Apache-2.0
// Whether the ranks of a run have the cores and GPUs that they want to use.
#pragma once

#include <string>
#include <vector>

#include "core/Json.hpp"
#include "nn/Numerics.hpp"

namespace aocq::engine {

// Where one rank may run.
struct Place {
    std::string host;
    std::vector<int> cpus;  // that its threads may use, ascending
    int gpus = 0;           // that it sees
};

Place place_of_this_rank(const std::string& host);
Json to_json(const Place& place);
Place place_from_json(const Json& value);

// Error(environment) that names the host where ranks would share cores or a GPU: they would slow
// each other down without a word. `threads` per rank.
void require_room(const std::vector<Place>& places, int threads, nn::DeviceKind device);

}  // namespace aocq::engine
