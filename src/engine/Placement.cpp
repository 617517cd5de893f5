// SPDX-License-Identifier: Apache-2.0
#include "engine/Placement.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <map>
#include <set>

#include "core/Error.hpp"

namespace aocq::engine {
namespace {

struct Room {
    int ranks = 0;
    int gpus = 0;
    std::set<int> cpus;
};

Error too_many(const std::string& host, std::string found, std::string wanted) {
    Error error = Error::environment("more ranks on a host than it has room for");
    error.because("they would share cores or GPUs and slow each other down")
        .advise("start fewer ranks there, bind them to fewer cores each, or pass --oversubscribe");
    return error.at("host", host).found(std::move(found)).wanted(std::move(wanted));
}

}  // namespace

Place place_of_this_rank(const std::string& host) {
    Place place{host, {}, nn::gpu_count()};
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return place;  // unknown: no objection
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &allowed)) place.cpus.push_back(cpu);
    }
    return place;
}

Json to_json(const Place& place) {
    return {{"host", place.host}, {"cpus", place.cpus}, {"gpus", place.gpus}};
}

Place place_from_json(const Json& value) {
    return {value.at("host").get<std::string>(), value.at("cpus").get<std::vector<int>>(),
            value.at("gpus").get<int>()};
}

void require_room(const std::vector<Place>& places, int threads, nn::DeviceKind device) {
    std::map<std::string, Room> rooms;
    for (const Place& place : places) {
        if (place.cpus.empty()) continue;
        if (static_cast<int>(place.cpus.size()) < threads) {
            throw too_many(place.host, fmt::format("a rank bound to {} cores", place.cpus.size()),
                           fmt::format("{}, one per thread (run.threads)", threads));
        }
        Room& room = rooms[place.host];
        ++room.ranks;
        room.gpus = place.gpus;
        room.cpus.insert(place.cpus.begin(), place.cpus.end());
    }
    for (const auto& [host, room] : rooms) {
        if (device == nn::DeviceKind::cuda && room.ranks > room.gpus) {
            throw too_many(host, fmt::format("{} ranks", room.ranks),
                           fmt::format("at most {}, one per GPU", room.gpus));
        }
        const int most = static_cast<int>(room.cpus.size()) / threads;
        if (room.ranks > most) {
            throw too_many(host, fmt::format("{} ranks of {} thread(s)", room.ranks, threads),
                           fmt::format("at most {} on {} cores", most, room.cpus.size()));
        }
    }
}

}  // namespace aocq::engine
