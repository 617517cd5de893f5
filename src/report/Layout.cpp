// SPDX-License-Identifier: Apache-2.0
#include "report/Layout.hpp"

#include <algorithm>
#include <set>

#include "core/Text.hpp"
#include "report/Label.hpp"

namespace aocq::report {
namespace {

using Keys = std::vector<std::string>;

// Every label of an axis gets its place in the order of the study.
class ValueOrder {
  public:
    std::size_t place(const std::string& key, const std::string& label) {
        auto& labels = labels_[key];
        const auto found = std::find(labels.begin(), labels.end(), label);
        if (found != labels.end()) return static_cast<std::size_t>(found - labels.begin());
        labels.push_back(label);
        return labels.size() - 1;
    }
    const std::string& label(const std::string& key, std::size_t place) const {
        return labels_.at(key).at(place);
    }

  private:
    std::map<std::string, Labels> labels_;
};

using Place = std::vector<std::size_t>;

bool has_all(const ResultRow& row, const Keys& keys) {
    return std::all_of(keys.begin(), keys.end(),
                       [&](const std::string& key) { return label_in(row, key).has_value(); });
}

Place place_of(const ResultRow& row, const Keys& keys, ValueOrder& order) {
    Place place;
    for (const auto& key : keys) place.push_back(order.place(key, *label_in(row, key)));
    return place;
}

Labels labels_of(const Place& place, const Keys& keys, const ValueOrder& order) {
    Labels labels;
    for (std::size_t i = 0; i < keys.size(); ++i) labels.push_back(order.label(keys[i], place[i]));
    return labels;
}

bool contains(const Keys& keys, const std::string& key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

// Axes in which experiments of one cell differ although the table does not name them.
Keys left_out(const Results& chosen, const config::TableSpec& spec) {
    Keys named = spec.rows;
    named.insert(named.end(), spec.columns.begin(), spec.columns.end());
    Keys added;
    std::map<std::pair<Labels, std::string>, std::string> seen;
    for (const ResultRow* row : chosen) {
        Labels cell;
        for (const auto& key : named) cell.push_back(*label_in(*row, key));
        for (const auto& [key, value] : row->coordinates) {
            if (is_seed_key(key) || contains(named, key) || contains(added, key)) continue;
            const auto [place, fresh] = seen.emplace(std::pair(cell, key), label_of(value));
            if (!fresh && place->second != label_of(value)) added.push_back(key);
        }
    }
    return added;
}

// Whether the quantized experiment is compared with this float model.
bool is_reference(const ResultRow& reference, const ResultRow& row) {
    return reference.model_name == row.model_name &&
           std::all_of(reference.coordinates.begin(), reference.coordinates.end(),
                       [&](const auto& coordinate) {
                           return label_at(row.coordinates, coordinate.first) ==
                                  label_of(coordinate.second);
                       });
}

std::string describe(const config::Coordinates& coordinates) {
    std::vector<std::string> parts;
    for (const auto& [key, value] : coordinates) parts.push_back(key + "=" + label_of(value));
    return join(parts, ", ");
}

// Float models that share no column share one row called "float"; otherwise each model has its own.
class FloatRows {
  public:
    FloatRows(std::span<const ResultRow> results, const Layout& layout)
        : layout_(layout), columns_(layout.columns.size()) {
        std::vector<int> claims(columns_, 0);
        for (const ResultRow& row : results) {
            if (!row.is_float) continue;
            Reference reference{&row, columns_of(row)};
            for (std::size_t c = 0; c < columns_; ++c) claims[c] += reference.used[c];
            references_.push_back(std::move(reference));
        }
        shared_ = std::all_of(claims.begin(), claims.end(), [](int count) { return count < 2; });
    }

    std::vector<LayoutRow> rows() const {
        std::vector<LayoutRow> all;
        for (const Reference& reference : references_) {
            if (std::find(reference.used.begin(), reference.used.end(), true) ==
                reference.used.end()) {
                continue;
            }
            const ResultRow& result = *reference.result;
            const std::string name = shared_ ? "float" : "float " + result.model_name;
            LayoutRow* row = &row_named(all, name);
            if (!is_free(*row, reference)) {
                row = &row_named(all, name + ", " + describe(result.coordinates));
            }
            for (std::size_t c = 0; c < columns_; ++c) {
                if (reference.used[c]) row->cells[c].push_back(&result);
            }
        }
        return all;
    }

  private:
    struct Reference {
        const ResultRow* result;
        std::vector<bool> used;  // columns with experiments that are compared with it
    };

    std::vector<bool> columns_of(const ResultRow& reference) const {
        std::vector<bool> used(columns_, layout_.rows.empty());  // a study of float models only
        for (const LayoutRow& row : layout_.rows) {
            for (std::size_t c = 0; c < columns_; ++c) {
                for (const ResultRow* result : row.cells[c]) {
                    if (is_reference(reference, *result)) used[c] = true;
                }
            }
        }
        return used;
    }

    LayoutRow& row_named(std::vector<LayoutRow>& all, const std::string& name) const {
        for (LayoutRow& row : all) {
            if (row.labels.front() == name) return row;
        }
        LayoutRow row;
        row.is_float = true;
        row.labels.assign(std::max<std::size_t>(layout_.row_keys.size(), 1), "");
        row.labels.front() = name;
        row.cells.resize(columns_);
        all.push_back(std::move(row));
        return all.back();
    }

    bool is_free(const LayoutRow& row, const Reference& reference) const {
        for (std::size_t c = 0; c < columns_; ++c) {
            if (reference.used[c] && !row.cells[c].empty()) return false;
        }
        return true;
    }

    const Layout& layout_;
    std::size_t columns_;
    std::vector<Reference> references_;
    bool shared_ = true;
};

}  // namespace

std::optional<std::string> label_in(const ResultRow& row, const std::string& key) {
    if (auto label = label_at(row.coordinates, key)) return label;
    if (key == "bits") return config::to_string(row.bits);
    if (is_seed_key(key)) return std::to_string(row.seed);
    if (!key.ends_with(".use")) return std::nullopt;
    const auto name = row.uses.find(key.substr(0, key.size() - 4));
    return name == row.uses.end() ? std::nullopt : std::optional(name->second);
}

Layout lay_out(const config::TableSpec& spec, std::span<const ResultRow> results) {
    Results chosen;
    ValueOrder order;
    for (const ResultRow& row : results) {
        if (row.is_float || !has_all(row, spec.rows) || !has_all(row, spec.columns)) continue;
        chosen.push_back(&row);
    }
    Layout layout;
    layout.added_keys = left_out(chosen, spec);
    layout.row_keys = spec.rows;
    layout.row_keys.insert(layout.row_keys.end(), layout.added_keys.begin(),
                           layout.added_keys.end());
    std::map<Place, std::map<Place, Results>> grid;
    std::set<Place> columns;
    std::set<std::string> known;
    for (const ResultRow* row : chosen) {
        if (!has_all(*row, layout.row_keys) || !known.insert(row->experiment_id).second) continue;
        const Place column = place_of(*row, spec.columns, order);
        grid[place_of(*row, layout.row_keys, order)][column].push_back(row);
        columns.insert(column);
    }
    for (const Place& column : columns) {
        layout.columns.push_back(labels_of(column, spec.columns, order));
    }
    for (auto& [place, cells] : grid) {
        LayoutRow row;
        row.labels = labels_of(place, layout.row_keys, order);
        if (row.labels.empty()) row.labels = {"quantized"};
        for (const Place& column : columns) row.cells.push_back(std::move(cells[column]));
        layout.rows.push_back(std::move(row));
    }
    if (layout.columns.empty()) layout.columns.emplace_back();
    std::vector<LayoutRow> floats = FloatRows(results, layout).rows();
    layout.rows.insert(layout.rows.begin(), std::make_move_iterator(floats.begin()),
                       std::make_move_iterator(floats.end()));
    return layout;
}

}  // namespace aocq::report
