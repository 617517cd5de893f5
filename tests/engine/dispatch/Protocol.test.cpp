// SPDX-License-Identifier: Apache-2.0
#include "engine/dispatch/Protocol.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace aocq::engine {
namespace {

TEST(Protocol, ResultsComeBackAsTheyWere) {
    Report report;
    report.kind = Report::Kind::result;
    report.unit = 77;
    report.cost.seconds = 1.25;
    report.payload = {std::byte{1}, std::byte{0}, std::byte{255}};
    const Report read = decode_report(encode(report));
    EXPECT_EQ(read.kind, Report::Kind::result);
    EXPECT_EQ(read.unit, 77u);
    EXPECT_EQ(read.cost.seconds, 1.25);
    EXPECT_EQ(read.payload, report.payload);
    EXPECT_FALSE(read.error);
}

TEST(Protocol, ErrorsKeepAllTheirParts) {
    Report report;
    report.kind = Report::Kind::failure;
    report.unit = 3;
    report.error = Error::numeric("not finite").because("inf").advise("look").at("site", "b.0");
    const Report read = decode_report(encode(report));
    ASSERT_TRUE(read.error);
    EXPECT_EQ(read.error->kind(), ErrorKind::numeric);
    EXPECT_STREQ(read.error->what(), report.error->what());
}

TEST(Protocol, AnErrorOfAnySizeAndBytesGetsThrough) {
    Report report;
    report.kind = Report::Kind::broken;
    report.error = Error::internal("bad \xff byte" + std::string(3'000'000, 'x'));
    const Report read = decode_report(encode(report));
    EXPECT_EQ(read.unit, no_unit);
    EXPECT_EQ(read.error->problem().substr(0, 4), "bad ");
}

TEST(Protocol, CommandsAndHellosComeBackAsTheyWere) {
    const Command command =
        decode_command(encode(Command{Command::Kind::assign, 5, 9, Outcome::some_failed}), 5);
    EXPECT_EQ(command.kind, Command::Kind::assign);
    EXPECT_EQ(command.rank, 5);
    EXPECT_EQ(command.unit, 9u);
    EXPECT_EQ(command.outcome, Outcome::some_failed);
    const Hello hello = decode_hello(encode(Hello{"node7", "abc"}));
    EXPECT_EQ(hello.host, "node7");
    EXPECT_EQ(hello.fingerprint, "abc");
}

TEST(Protocol, EveryShortenedMessageIsRefused) {
    Report failure;
    failure.kind = Report::Kind::failure;
    failure.error = Error::input("bad");
    const auto whole = encode(failure);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_THROW(decode_report(std::span(whole).first(size)), Error) << size;
    }
    const auto hello = encode(Hello{"host", "print"});
    for (std::size_t size = 0; size < hello.size(); ++size) {
        EXPECT_THROW(decode_hello(std::span(hello).first(size)), Error) << size;
    }
    const auto command = encode(Command{});
    for (std::size_t size = 0; size < command.size(); ++size) {
        EXPECT_THROW(decode_command(std::span(command).first(size), 0), Error) << size;
    }
}

TEST(Protocol, SurplusBytesUnknownKindsAndLyingLengthsAreRefused) {
    auto command = encode(Command{});
    command.push_back(std::byte{0});
    EXPECT_THROW(decode_command(command, 0), Error);
    auto unknown = encode(Command{});
    unknown[0] = std::byte{200};
    EXPECT_THROW(decode_command(unknown, 0), Error);
    auto hello = encode(Hello{"host", "print"});
    for (std::size_t i = 0; i < 4; ++i) hello[i] = std::byte{255};  // a length of 4 GiB
    EXPECT_THROW(decode_hello(hello), Error);
}

TEST(Protocol, DurationsThatAreNoneAreRefused) {
    Report report;
    report.cost.seconds = std::numeric_limits<double>::quiet_NaN();
    EXPECT_THROW(decode_report(encode(report)), Error);
    report.cost.seconds = -1;
    EXPECT_THROW(decode_report(encode(report)), Error);
}

}  // namespace
}  // namespace aocq::engine
