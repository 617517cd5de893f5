// SPDX-License-Identifier: Apache-2.0
// JSON, as plans and headers of files hold it: what is read has one canonical text, which reads
// back to itself.
#include "core/Json.hpp"
#include "fuzz/FuzzTarget.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace aocq;
    fuzz::reads([&] {
        const Json value = parse_json({reinterpret_cast<const char*>(data), size}, "input");
        const std::string text = canonical_json(value);
        fuzz::require(canonical_json(parse_json(text, "canonical")) == text,
                      "canonical JSON reads back to itself");
        fuzz::reads([&] { to_json(error_from_json(value)); });
    });
    return 0;
}
