// SPDX-License-Identifier: Apache-2.0
// Faults of the user or the environment (Error) and of the programmer (AOCQ_EXPECT and friends).
// A user's error reads: problem (reason): remedy [file=… key=… found=… wanted=…].
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace aocq {

enum class ErrorKind {
    usage,        // wrong command line
    config,       // wrong study or method file
    input,        // wrong weights, images, results
    environment,  // disk, permission, memory, library
    numeric,      // a value is not finite or out of range
    internal,     // our mistake
};

// The exit-code contract: 0 done, 1 internal, 2 the user's, 3 some experiments failed, 75 call
// again.
inline constexpr int exit_done = 0;
inline constexpr int exit_internal = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_some_failed = 3;
inline constexpr int exit_again = 75;

int exit_code(ErrorKind kind);
std::string_view to_string(ErrorKind kind);
ErrorKind error_kind_from_string(std::string_view name);

class Error : public std::exception {
  public:
    using Fields = std::vector<std::pair<std::string, std::string>>;

    Error(ErrorKind kind, std::string problem);
    static Error usage(std::string problem) { return {ErrorKind::usage, std::move(problem)}; }
    static Error config(std::string problem) { return {ErrorKind::config, std::move(problem)}; }
    static Error input(std::string problem) { return {ErrorKind::input, std::move(problem)}; }
    static Error environment(std::string problem) {
        return {ErrorKind::environment, std::move(problem)};
    }
    static Error numeric(std::string problem) { return {ErrorKind::numeric, std::move(problem)}; }
    static Error internal(std::string problem) { return {ErrorKind::internal, std::move(problem)}; }

    Error& because(std::string reason);
    Error& advise(std::string remedy);
    Error& at(std::string_view key, std::string value);
    Error& found(std::string value) { return at("found", std::move(value)); }
    Error& wanted(std::string value) { return at("wanted", std::move(value)); }

    const char* what() const noexcept override { return message_.c_str(); }
    ErrorKind kind() const { return kind_; }
    const std::string& problem() const { return problem_; }
    const std::string& reason() const { return reason_; }
    const std::string& remedy() const { return remedy_; }
    const Fields& fields() const { return fields_; }
    std::string field(std::string_view key) const;  // "" where there is none

  private:
    void compose();

    ErrorKind kind_;
    std::string problem_;
    std::string reason_;
    std::string remedy_;
    Fields fields_;
    std::string message_;
};

// A broken promise inside the program; reported as internal with the place.
[[noreturn]] void assertion_failed(const char* tier, const char* condition, const char* file,
                                   int line);

}  // namespace aocq

#define AOCQ_CHECK_TIER_(tier, condition) \
    ((condition) ? void(0) : ::aocq::assertion_failed(tier, #condition, __FILE__, __LINE__))
#define AOCQ_EXPECT(condition) AOCQ_CHECK_TIER_("precondition", condition)
#define AOCQ_ASSERT(condition) AOCQ_CHECK_TIER_("assertion", condition)
#define AOCQ_ENSURE(condition) AOCQ_CHECK_TIER_("postcondition", condition)
