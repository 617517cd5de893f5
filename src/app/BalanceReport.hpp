// SPDX-License-Identifier: Apache-2.0
// What balancing promised and what it gave, site by site, as an artefact's report has it.
#pragma once

#include <string>
#include <vector>

#include "core/Json.hpp"

namespace aocq::app {

// One entry of channel_balance.
struct BalancedSite {
    std::string site, kind;
    bool accepted = false, shifted = false;
    double alpha = 0;
    double before = 0, after = 0;  // weighted error on images that the search did not use
    // Error of rounding the activations, balanced over unbalanced: foretold by the channels'
    // extents alone (METHODS 0.3, I9) and measured on those images. 0: not known.
    double predicted = 0, measured = 0;
};

// From the attributes of an artefact's file, in the order of the report; empty where no pass
// balanced anything. Damage is an Error(input).
std::vector<BalancedSite> balanced_sites(const Json& attributes);

std::string to_text(const std::vector<BalancedSite>& sites);
Json to_json(const std::vector<BalancedSite>& sites);

}  // namespace aocq::app
