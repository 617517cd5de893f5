// SPDX-License-Identifier: Apache-2.0
#include "report/Published.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/Error.hpp"
#include "core/Files.hpp"
#include "core/Text.hpp"
#include "report/Csv.hpp"

namespace aocq::report {
namespace {

using Member = std::string PublishedEntry::*;

constexpr std::array<std::pair<std::string_view, Member>, 9> columns{
    {{"task", &PublishedEntry::task},
     {"dataset", &PublishedEntry::dataset},
     {"model", &PublishedEntry::model},
     {"method", &PublishedEntry::method},
     {"wbits", &PublishedEntry::weight_bits},
     {"abits", &PublishedEntry::activation_bits},
     {"metric", &PublishedEntry::metric},
     {"value", &PublishedEntry::text},
     {"source", &PublishedEntry::source}}};

Error wrong(const char* problem, const std::string& source, int line) {
    return Error::input(problem).at("file", source).at("line", std::to_string(line));
}

std::vector<Member> members_of(const CsvRecord& header, const std::string& source) {
    std::vector<std::string> names;
    for (const auto& column : columns) names.emplace_back(column.first);
    std::vector<Member> members;
    for (const std::string& name : header.fields) {
        const auto found = std::find(names.begin(), names.end(), name);
        if (found == names.end()) {
            Error error = wrong("published numbers have an unknown column", source, header.line);
            if (const auto near = nearest(name, names); !near.empty()) {
                error.advise(fmt::format("did you mean \"{}\"?", near));
            }
            throw error.found(name).wanted(join(names, ", "));
        }
        const Member member = columns[static_cast<std::size_t>(found - names.begin())].second;
        if (std::find(members.begin(), members.end(), member) != members.end()) {
            throw wrong("published numbers have a column twice", source, header.line).found(name);
        }
        members.push_back(member);
    }
    if (members.size() != columns.size()) {
        throw wrong("published numbers lack a column", source, header.line)
            .found(join(header.fields, ", "))
            .wanted(join(names, ", "));
    }
    return members;
}

std::optional<double> number(std::string_view text) {
    double value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = result.ec == std::errc() && result.ptr == text.data() + text.size();
    return whole && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

bool is_range(std::string_view text) {
    const auto dash = text.find('-', 1);
    return dash != std::string_view::npos && number(text.substr(0, dash)) &&
           number(text.substr(dash + 1));
}

PublishedEntry entry_of(const CsvRecord& record, const std::vector<Member>& members,
                        const std::string& source) {
    if (record.fields.size() != members.size()) {
        throw wrong("a line has another number of fields than the first", source, record.line)
            .found(std::to_string(record.fields.size()))
            .wanted(std::to_string(members.size()));
    }
    PublishedEntry entry;
    entry.line = record.line;
    for (std::size_t i = 0; i < members.size(); ++i) entry.*members[i] = record.fields[i];
    entry.value = number(entry.text);
    if (!entry.value && !is_range(entry.text)) {
        throw wrong("a published value is not a number", source, record.line).found(entry.text);
    }
    if (entry.source.empty()) {
        throw wrong("a published value has no source", source, record.line)
            .advise("say where the number was printed");
    }
    return entry;
}

}  // namespace

Published Published::read(const std::filesystem::path& file) {
    return parse(read_text(file, 8U << 20), file.string());
}

Published Published::parse(std::string_view text, const std::string& source) {
    const std::vector<CsvRecord> records = parse_csv(text, source);
    if (records.empty()) throw wrong("published numbers are missing", source, 1);
    const std::vector<Member> members = members_of(records.front(), source);
    Published published;
    for (std::size_t i = 1; i < records.size(); ++i) {
        published.entries_.push_back(entry_of(records[i], members, source));
    }
    return published;
}

std::vector<const PublishedEntry*> Published::find(std::string_view model, std::string_view method,
                                                   int weight_bits, int activation_bits,
                                                   std::string_view metric) const {
    std::vector<const PublishedEntry*> all;
    for (const PublishedEntry& entry : entries_) {
        if (entry.value && entry.model == model && entry.method == method &&
            entry.weight_bits == std::to_string(weight_bits) &&
            entry.activation_bits == std::to_string(activation_bits) && entry.metric == metric) {
            all.push_back(&entry);
        }
    }
    return all;
}

}  // namespace aocq::report
