// SPDX-License-Identifier: Apache-2.0
// Typed reading of one JSON object: every key is asked for by name and type, and what nobody asked
// for is an error that names the nearest known key. Used for studies, methods, pass parameters and
// plan files alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/EnumTable.hpp"
#include "core/Json.hpp"

namespace aocq {

class Fields {
  public:
    // `path` is the key path of the object inside its document ("" for the root), for messages.
    Fields(const Json& object, std::string path);

    bool has(std::string_view key);  // also makes the key known
    const std::string& path() const { return path_; }
    std::string path_of(std::string_view key) const;

    std::string text(std::string_view key);                        // required
    std::string text(std::string_view key, std::string fallback);  // optional
    std::int64_t integer(std::string_view key, std::int64_t low, std::int64_t high);
    std::int64_t integer(std::string_view key, std::int64_t low, std::int64_t high,
                         std::int64_t fallback);
    double number(std::string_view key, double low, double high);
    double number(std::string_view key, double low, double high, double fallback);
    bool flag(std::string_view key, bool fallback);
    std::vector<std::string> texts(
        std::string_view key);  // a string or an array of strings; {} if absent
    std::vector<double> numbers(std::string_view key);  // {} if absent
    // {} if absent; every one in low..high
    std::vector<std::int64_t> integers(std::string_view key, std::int64_t low, std::int64_t high);
    Json value(std::string_view key);                   // anything; null if absent
    Fields object(std::string_view key);                // {} if absent
    std::vector<Fields> objects(std::string_view key);  // {} if absent

    template <class E, std::size_t N>
    E choice(std::string_view key, const EnumTable<E, N>& table, std::optional<E> fallback = {}) {
        if (!has(key) && fallback) return *fallback;
        const std::string word = text(key);
        if (const auto value = table.find(word)) return *value;
        wrong_choice(key, word, table.names());
    }

    // Throws the error for one of this object's keys; adds the path.
    [[noreturn]] void fail(std::string_view key, Error error) const;

    // To be called when everything was asked for: an unknown key is an error.
    void finish() const;

  private:
    const Json* find(std::string_view key);
    const Json& require(std::string_view key, const char* type);
    [[noreturn]] void wrong_type(std::string_view key, const Json& value, const char* type) const;
    [[noreturn]] void wrong_choice(std::string_view key, const std::string& word,
                                   const std::vector<std::string>& names) const;

    Json object_;
    std::string path_;
    std::vector<std::string> known_;
};

}  // namespace aocq
