// SPDX-License-Identifier: Apache-2.0
#include "engine/dispatch/Protocol.hpp"

#include <cmath>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "core/Json.hpp"
#include "par/Message.hpp"

namespace aocq::engine {
namespace {

constexpr std::size_t longest_text = std::size_t{1} << 20;

[[noreturn]] void malformed(const char* reason) {
    throw Error::internal("a rank sent a malformed message")
        .because(reason)
        .advise("make sure that all ranks run the same build");
}

class Writer {
  public:
    template <class T>
    Writer& number(T value) {
        static_assert(std::is_trivially_copyable_v<T>);
        return raw(&value, sizeof value);
    }
    Writer& text(std::string_view value) {
        number(static_cast<std::uint32_t>(value.size()));
        return raw(value.data(), value.size());
    }
    Writer& raw(const void* data, std::size_t size) {
        if (size == 0) return *this;
        const std::size_t at = bytes_.size();
        bytes_.resize(at + size);
        std::memcpy(bytes_.data() + at, data, size);
        return *this;
    }
    std::vector<std::byte> take() { return std::move(bytes_); }

  private:
    std::vector<std::byte> bytes_;
};

class Reader {
  public:
    explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    template <class T>
    T number() {
        T value{};
        const auto part = take(sizeof value);
        std::memcpy(&value, part.data(), sizeof value);
        return value;
    }
    // An enum of consecutive values up to `last`.
    template <class E>
    E choice(E last) {
        const auto value = number<std::underlying_type_t<E>>();
        if (value > static_cast<std::underlying_type_t<E>>(last)) malformed("unknown kind");
        return static_cast<E>(value);
    }
    std::string text() {
        const auto size = number<std::uint32_t>();
        if (size > longest_text) malformed("text too long");
        const auto part = take(size);
        return {reinterpret_cast<const char*>(part.data()), part.size()};
    }
    std::vector<std::byte> rest() {
        const auto part = take(bytes_.size());
        return {part.begin(), part.end()};
    }
    void finish() const {
        if (!bytes_.empty()) malformed("too many bytes");
    }

  private:
    std::span<const std::byte> take(std::size_t size) {
        if (size > bytes_.size()) malformed("too few bytes");
        const auto part = bytes_.first(size);
        bytes_ = bytes_.subspan(size);
        return part;
    }
    std::span<const std::byte> bytes_;
};

bool carries_error(Report::Kind kind) {
    return kind == Report::Kind::failure || kind == Report::Kind::broken ||
           kind == Report::Kind::stale;
}

// A report must get through: an error text of absurd length is cut to its problem's beginning.
std::string error_text(const Error& error) {
    std::string text = canonical_json(to_json(error));
    if (text.size() <= longest_text) return text;
    return canonical_json(to_json(Error(error.kind(), error.problem().substr(0, 10000))));
}

double duration(double seconds) {
    if (!std::isfinite(seconds) || seconds < 0) malformed("not a duration");
    return seconds;
}

}  // namespace

std::size_t max_payload() {
    return par::max_message - 256;
}

std::vector<std::byte> encode(const Hello& hello) {
    return Writer().text(hello.host).text(hello.fingerprint).take();
}

std::vector<std::byte> encode(const Report& report) {
    Writer writer;
    writer.number(report.kind).number(report.unit).number(report.remedy);
    writer.number(report.cost.seconds).number(report.cost.cpu_seconds);
    writer.number(report.cost.peak_bytes).text(report.key);
    if (carries_error(report.kind)) {
        AOCQ_EXPECT(report.error.has_value());
        writer.text(error_text(*report.error));
    } else {
        writer.raw(report.payload.data(), report.payload.size());
    }
    return writer.take();
}

std::vector<std::byte> encode(const Command& command) {
    return Writer().number(command.kind).number(command.unit).number(command.outcome).take();
}

Hello decode_hello(std::span<const std::byte> bytes) {
    Reader reader(bytes);
    Hello hello;
    hello.host = reader.text();
    hello.fingerprint = reader.text();
    reader.finish();
    return hello;
}

Report decode_report(std::span<const std::byte> bytes) {
    Reader reader(bytes);
    Report report;
    report.kind = reader.choice(Report::Kind::stale);
    report.unit = reader.number<std::uint32_t>();
    report.remedy = reader.choice(Remedy::user);
    report.cost.seconds = duration(reader.number<double>());
    report.cost.cpu_seconds = duration(reader.number<double>());
    report.cost.peak_bytes = reader.number<std::uint64_t>();
    report.key = reader.text();
    if (carries_error(report.kind)) {
        report.error = error_from_json(parse_json(reader.text(), "error of a rank"));
        reader.finish();
    } else {
        report.payload = reader.rest();
    }
    return report;
}

Command decode_command(std::span<const std::byte> bytes, int rank) {
    Reader reader(bytes);
    Command command;
    command.rank = rank;
    command.kind = reader.choice(Command::Kind::end);
    command.unit = reader.number<std::uint32_t>();
    command.outcome = reader.choice(Outcome::stopped);
    reader.finish();
    return command;
}

}  // namespace aocq::engine
