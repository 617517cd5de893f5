// SPDX-License-Identifier: Apache-2.0
// What a pickle of tensors may hold. Values live in one list and name each other by place, so a
// pickle that refers to itself makes no cycle of owners and deep nesting needs no recursion.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "nn/Safetensors.hpp"

namespace aocq::nn {

using ValueRef = std::uint32_t;  // place in PickleDocument::values

struct PickleNone {};
struct PickleTuple {
    std::vector<ValueRef> items;
};
struct PickleList {
    std::vector<ValueRef> items;
};
struct PickleDict {  // in order of insertion; a key that comes twice counts with its last value
    std::vector<std::pair<ValueRef, ValueRef>> entries;
};

enum class PickleClass { ordered_dict, rebuild_tensor, rebuild_parameter, storage, name_space };
struct PickleGlobal {  // a class or function, named and never called
    PickleClass what;
    Dtype dtype;  // of a storage
};

struct PickleStorage {  // numbers beside the pickle, in the archive's data/KEY
    Dtype dtype;
    std::string key;
    std::int64_t count;  // values
};
struct PickleTensor {
    PickleStorage storage;
    std::int64_t offset;  // of the first value, in values
    std::vector<std::int64_t> sizes, strides;
};
struct PickleOpaque {};  // allowed to be there, of no use here

using PickleValue =
    std::variant<PickleNone, bool, std::int64_t, double, std::string, PickleTuple, PickleList,
                 PickleDict, PickleGlobal, PickleStorage, PickleTensor, PickleOpaque>;

struct PickleDocument {
    std::vector<PickleValue> values;
    ValueRef root = 0;

    template <class T>
    const T* get(ValueRef ref) const {
        return std::get_if<T>(&values[ref]);
    }
};

}  // namespace aocq::nn
