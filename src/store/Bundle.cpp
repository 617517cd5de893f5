// SPDX-License-Identifier: Apache-2.0
#include "store/Bundle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "core/Error.hpp"
#include "core/Sha256.hpp"
#include "core/Text.hpp"
#include "store/ArrayType.hpp"

namespace aocq::store {
namespace {

template <class T>
std::string_view name_of_type() {
    return detail::type_name(ArrayData(std::vector<T>{}));
}

// Lengths come first, so that no two different bundles feed the same bytes.
void feed(Sha256& hash, std::string_view text) {
    hash.update(fmt::format("{}:", text.size()));
    hash.update(text);
}

void feed(Sha256& hash, const Array& array) {
    feed(hash, array.name);
    feed(hash, detail::type_name(array.data));
    hash.update(fmt::format("{}d:", array.shape.size()));
    for (const auto extent : array.shape) hash.update(fmt::format("{},", extent));
    std::visit([&](const auto& values) { hash.update(std::as_bytes(std::span(values))); },
               array.data);
}

}  // namespace

const Array* Bundle::find(std::string_view name) const {
    const auto found = std::find_if(arrays.begin(), arrays.end(),
                                    [&](const Array& array) { return array.name == name; });
    return found == arrays.end() ? nullptr : &*found;
}

template <class T>
const std::vector<T>& Bundle::values(std::string_view name) const {
    const Array* array = find(name);
    if (!array) {
        throw Error::input(fmt::format("an array is missing from a {} file", kind))
            .at("array", std::string(name));
    }
    if (const auto* data = std::get_if<std::vector<T>>(&array->data)) return *data;
    throw Error::input(fmt::format("an array of a {} file has another type", kind))
        .at("array", std::string(name))
        .found(std::string(detail::type_name(array->data)))
        .wanted(std::string(name_of_type<T>()));
}

template const std::vector<float>& Bundle::values(std::string_view) const;
template const std::vector<double>& Bundle::values(std::string_view) const;
template const std::vector<std::int32_t>& Bundle::values(std::string_view) const;
template const std::vector<std::int64_t>& Bundle::values(std::string_view) const;
template const std::vector<std::uint8_t>& Bundle::values(std::string_view) const;

std::string header_text(const Bundle& bundle) {
    if (bundle.identity.is_null()) return canonical_json(bundle.attributes);
    AOCQ_EXPECT(!bundle.attributes.contains("identity"));
    Json header = bundle.attributes;
    header["identity"] = bundle.identity;
    return canonical_json(header);
}

std::string digest(const Bundle& bundle) {
    std::vector<const Array*> sorted;
    for (const Array& array : bundle.arrays) sorted.push_back(&array);
    std::sort(sorted.begin(), sorted.end(),
              [](const Array* a, const Array* b) { return a->name < b->name; });
    Sha256 hash;
    feed(hash, bundle.kind);
    feed(hash, header_text(bundle));
    for (const Array* array : sorted) feed(hash, *array);
    return hash.hex();
}

}  // namespace aocq::store
