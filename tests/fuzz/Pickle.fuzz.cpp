// SPDX-License-Identifier: Apache-2.0
// The pickle machine alone: what it builds refers to nothing that is not there.
#include <span>

#include "fuzz/FuzzTarget.hpp"
#include "nn/PickleReader.hpp"

namespace {

using namespace aocq;

void check(const nn::PickleDocument& document) {
    const auto there = [&](nn::ValueRef ref) {
        fuzz::require(ref < document.values.size(), "a value is there");
    };
    there(document.root);
    for (const nn::PickleValue& value : document.values) {
        if (const auto* tuple = std::get_if<nn::PickleTuple>(&value)) {
            for (const auto item : tuple->items) there(item);
        } else if (const auto* list = std::get_if<nn::PickleList>(&value)) {
            for (const auto item : list->items) there(item);
        } else if (const auto* dict = std::get_if<nn::PickleDict>(&value)) {
            for (const auto& [key, held] : dict->entries) {
                there(key);
                there(held);
            }
        } else if (const auto* tensor = std::get_if<nn::PickleTensor>(&value)) {
            fuzz::require(tensor->sizes.size() == tensor->strides.size(), "sizes have strides");
        }
    }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::reads([&] { check(nn::read_pickle(std::as_bytes(std::span(data, size)))); });
    return 0;
}
