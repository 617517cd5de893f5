// SPDX-License-Identifier: Apache-2.0
// The program's own HDF5 files: nothing gets past the seal that was not written so.
#include "store/Bundle.hpp"
#include "core/Sha256.hpp"
#include "fuzz/FuzzTarget.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace aocq;
    static fuzz::InputFile file;
    const std::string& path = file.with({data, size});
    fuzz::reads([&] {
        const store::Bundle bundle = store::read_bundle(path, "statistics");
        fuzz::require(size > 512 && bundle.kind == "statistics", "a bundle is of its kind");
        const std::string_view seal(reinterpret_cast<const char*>(data), 512);
        const std::string body = sha256_hex(std::as_bytes(std::span(data + 512, size - 512)));
        fuzz::require(seal.find(body) != std::string_view::npos, "the seal holds the checksum");
    });
    return 0;
}
