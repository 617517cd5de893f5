// SPDX-License-Identifier: Apache-2.0
// A tree with the places of its keys: merging two of them and finding the place of a key path.
#pragma once

#include <string>
#include <string_view>

#include "config/Document.hpp"
#include "core/Json.hpp"

namespace aocq::config {

struct PlacedTree {
    Json tree = Json::object();
    Origins origins;
};

// The place of the path or of its nearest parent that has one; null where there is none.
const Position* origin_of(const Origins& origins, std::string_view path);

void forget_origins(Origins& origins, std::string_view path);  // of the path and all below

// Tables are merged deeply; any other value of `top` replaces that of `base`.
void merge_over(PlacedTree& base, const PlacedTree& top);

// Values only: `top` over `base`.
Json merged(Json base, const Json& top);

Error placed_at(const Position& position, Error error);  // adds file and line
// By the error's "key"; as it is where it has no key or has a file already.
Error placed(const Origins& origins, Error error);

}  // namespace aocq::config
