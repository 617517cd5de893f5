// SPDX-License-Identifier: Apache-2.0
#include "config/Specs.hpp"

#include <algorithm>
#include <array>

#include "core/Text.hpp"

namespace aocq::config {
namespace {

enum class Device { automatic, cpu, cuda };
constexpr EnumTable<Device, 3> devices{{{
    {Device::automatic, "auto"},
    {Device::cpu, "cpu"},
    {Device::cuda, "cuda"},
}}};

enum class Metric { top1, top5, kl, agreement, memory };
constexpr EnumTable<Metric, 5> metrics{{{
    {Metric::top1, "top1"},
    {Metric::top5, "top5"},
    {Metric::kl, "kl"},
    {Metric::agreement, "agreement"},
    {Metric::memory, "memory"},
}}};

std::vector<std::string> read_cells(Fields& fields) {
    std::vector<std::string> cells = fields.texts("cell");
    if (!fields.has("cell")) cells = {"top1"};
    for (const auto& cell : cells) {
        if (metrics.find(cell)) continue;
        Error error = Error::config("unknown metric");
        if (const auto guess = nearest(cell, metrics.names()); !guess.empty()) {
            error.advise("did you mean '" + guess + "'?");
        }
        fields.fail("cell", error.found(cell).wanted("one of " + join(metrics.names(), ", ")));
    }
    return cells;
}

std::vector<std::string> read_list(Fields& fields, std::string_view key) {
    std::vector<std::string> list = fields.texts(key);
    if (list.empty()) {
        fields.fail(
            key,
            Error::config("a table needs at least one of these").wanted("text or a list of texts"));
    }
    return list;
}

PublishedSpec read_published(Fields fields) {
    know_only(fields, {"file", "model", "methods", "tolerance"});
    PublishedSpec published;
    published.file = fields.text("file");
    published.model = fields.text("model", "");
    published.tolerance = fields.number("tolerance", 0.0, 100.0, 0.0);
    Fields methods = fields.object("methods");
    const Json labels = fields.value("methods");
    for (const auto& [label, value] : labels.items()) {
        published.methods.emplace_back(label, read_list(methods, label));
    }
    return published;
}

void refuse_repeats(const Fields& fields, std::string_view key,
                    const std::vector<std::string>& list) {
    for (auto entry = list.begin(); entry != list.end(); ++entry) {
        if (std::find(list.begin(), entry, *entry) == entry) continue;
        fields.fail(key, Error::config("a table names the same thing twice").found(*entry));
    }
}

}  // namespace

void know_only(Fields& fields, std::initializer_list<std::string_view> keys) {
    for (const auto key : keys) fields.has(key);
    fields.finish();
}

std::string read_name(Fields& fields) {
    constexpr std::size_t longest = 100;
    const std::string name = fields.text("name");
    const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    });
    if (!plain || name.empty() || name.size() > longest) {
        fields.fail("name", Error::config("not a name that can become a file's name")
                                .found(name)
                                .wanted("1 to 100 of a-z, 0-9, '_', '-'"));
    }
    return name;
}

BitWidths read_bits(const Json& value, const std::string& key) {
    if (!value.is_string()) {
        throw Error::config("wrong type in the configuration")
            .at("key", key)
            .found(value.dump())
            .wanted("text like \"W4A8\" or \"float\"");
    }
    try {
        return parse_bits(value.get<std::string>());
    } catch (Error& error) {
        throw error.at("key", key);
    }
}

RunConfig read_run(Fields fields) {
    know_only(fields, {"threads", "device"});
    RunConfig run;
    run.threads = static_cast<int>(fields.integer("threads", 1, 1024, run.threads));
    run.device = devices.name(fields.choice("device", devices, std::optional(Device::automatic)));
    return run;
}

TableSpec read_table(Fields fields) {
    know_only(fields, {"name", "caption", "rows", "columns", "cell", "published", "effects"});
    TableSpec table;
    table.name = read_name(fields);
    table.caption = fields.text("caption", "");
    table.rows = read_list(fields, "rows");
    table.columns = read_list(fields, "columns");
    table.effects = fields.text("effects", "");
    table.cells = read_cells(fields);
    refuse_repeats(fields, "cell", table.cells);
    refuse_repeats(fields, "rows", table.rows);
    std::vector<std::string> keys = table.rows;
    keys.insert(keys.end(), table.columns.begin(), table.columns.end());
    refuse_repeats(fields, "columns", keys);
    if (!table.effects.empty()) keys.push_back(table.effects);
    refuse_repeats(fields, "effects", keys);
    if (fields.has("published")) table.published = read_published(fields.object("published"));
    return table;
}

Json to_json(const RunConfig& run) {
    return {{"threads", run.threads}, {"device", run.device}};
}

Json to_json(const TableSpec& table) {
    Json value = {{"name", table.name},
                  {"caption", table.caption},
                  {"rows", table.rows},
                  {"columns", table.columns},
                  {"cell", table.cells}};
    if (!table.effects.empty()) value["effects"] = table.effects;
    if (table.published.file.empty()) return value;
    Json methods = Json::object();
    for (const auto& [label, method] : table.published.methods) methods[label] = method;
    value["published"] = {{"file", table.published.file},
                          {"model", table.published.model},
                          {"methods", methods},
                          {"tolerance", table.published.tolerance}};
    return value;
}

}  // namespace aocq::config
