// SPDX-License-Identifier: Apache-2.0
// SHA-256 against the vectors of FIPS 180-4.
// Keys of all artefacts go through this one function.
#include "core/Sha256.hpp"

#include <gtest/gtest.h>

#include "core/Error.hpp"

namespace aocq {
namespace {

TEST(Sha256, GivesThePublishedDigests) {
    EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(sha256_hex("abc"),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowTheBytesAreCut) {
    const std::string text(1000, 'x');
    for (const std::size_t cut : {0U, 1U, 63U, 64U, 65U, 999U}) {
        Sha256 hash;
        hash.update(std::string_view(text).substr(0, cut)).update(text.substr(cut));
        EXPECT_EQ(hash.hex(), sha256_hex(text));
    }
}

TEST(Sha256, TextAndBytesAreTheSame) {
    const std::string text("a\0b", 3);
    EXPECT_EQ(sha256_hex(std::as_bytes(std::span(text))), sha256_hex(std::string_view(text)));
    EXPECT_NE(sha256_hex(std::string_view(text)), sha256_hex("a"));
}

TEST(Sha256, AHashThatWasReadTakesNothingMore) {
    Sha256 hash;
    hash.update("abc");
    hash.hex();
    EXPECT_THROW(hash.update("d"), Error);
    EXPECT_THROW(hash.hex(), Error);
}

TEST(Sha256, MovesWithItsState) {
    Sha256 first;
    first.update("ab");
    Sha256 second(std::move(first));
    EXPECT_EQ(second.update("c").hex(), sha256_hex("abc"));
}

}  // namespace
}  // namespace aocq
