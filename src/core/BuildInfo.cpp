// SPDX-License-Identifier: Apache-2.0
#include "core/BuildInfo.hpp"

namespace aocq {

std::string_view version() {
    return AOCQ_VERSION;
}
std::string_view build_type() {
    return AOCQ_BUILD_TYPE;
}
std::string_view compiler() {
    return "g++ " __VERSION__;
}
std::string_view source_digest() {
    return
#include "SourceDigest.inc"
        ;
}

}  // namespace aocq
