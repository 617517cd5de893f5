// SPDX-License-Identifier: Apache-2.0
#include "core/Sha256.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>

#include "core/Error.hpp"

namespace aocq {
namespace {

void check(int code, const char* call) {
    if (code != 1) throw Error::internal(fmt::format("OpenSSL refused {}", call));
}

}  // namespace

struct Sha256::State {
    State() : context(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
        AOCQ_ASSERT(context != nullptr);
        check(EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr), "EVP_DigestInit_ex");
    }
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context;
    bool ended = false;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(std::span<const std::byte> bytes) {
    AOCQ_EXPECT(state_ && !state_->ended);
    check(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()), "EVP_DigestUpdate");
    return *this;
}

Sha256& Sha256::update(std::string_view text) {
    return update(std::as_bytes(std::span(text.data(), text.size())));
}

std::string Sha256::hex() {
    AOCQ_EXPECT(state_ && !state_->ended);
    state_->ended = true;
    std::array<unsigned char, 32> digest{};
    unsigned length = 0;
    check(EVP_DigestFinal_ex(state_->context.get(), digest.data(), &length), "EVP_DigestFinal_ex");
    std::string text;
    for (unsigned char byte : digest) text += fmt::format("{:02x}", byte);
    return text;
}

std::string sha256_hex(std::span<const std::byte> bytes) {
    return Sha256().update(bytes).hex();
}
std::string sha256_hex(std::string_view text) {
    return Sha256().update(text).hex();
}

}  // namespace aocq
