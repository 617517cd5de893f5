// SPDX-License-Identifier: Apache-2.0
#include "nn/PickleClasses.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace aocq::nn {
namespace {

struct AllowedClass {
    std::string_view module, name;
    PickleGlobal global;
};

constexpr auto storage(Dtype dtype) {
    return PickleGlobal{PickleClass::storage, dtype};
}

constexpr std::array<AllowedClass, 14> allowed{{
    {"collections", "OrderedDict", {PickleClass::ordered_dict, Dtype::f32}},
    {"torch._utils", "_rebuild_tensor_v2", {PickleClass::rebuild_tensor, Dtype::f32}},
    {"torch._utils", "_rebuild_parameter", {PickleClass::rebuild_parameter, Dtype::f32}},
    {"argparse", "Namespace", {PickleClass::name_space, Dtype::f32}},
    {"torch", "FloatStorage", storage(Dtype::f32)},
    {"torch", "HalfStorage", storage(Dtype::f16)},
    {"torch", "BFloat16Storage", storage(Dtype::bf16)},
    {"torch", "DoubleStorage", storage(Dtype::f64)},
    {"torch", "LongStorage", storage(Dtype::i64)},
    {"torch", "IntStorage", storage(Dtype::i32)},
    {"torch", "ShortStorage", storage(Dtype::i16)},
    {"torch", "CharStorage", storage(Dtype::i8)},
    {"torch", "ByteStorage", storage(Dtype::u8)},
    {"torch", "BoolStorage", storage(Dtype::boolean)},
}};

constexpr std::size_t most_dimensions = 8;
constexpr std::size_t longest_key = 64;  // every tensor keeps a copy

std::int64_t count_at(const PickleDocument& document, ValueRef ref, const char* what) {
    const auto* number = document.get<std::int64_t>(ref);
    if (!number || *number < 0) throw damaged_pickle(std::string(what) + " is no count");
    return *number;
}

std::vector<std::int64_t> counts_at(const PickleDocument& document, ValueRef ref,
                                    const char* what) {
    const auto* tuple = document.get<PickleTuple>(ref);
    if (!tuple || tuple->items.size() > most_dimensions)
        throw damaged_pickle(std::string(what) + " is no short tuple");
    std::vector<std::int64_t> all;
    for (const ValueRef item : tuple->items) all.push_back(count_at(document, item, what));
    return all;
}

// _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks[, metadata])
PickleTensor rebuilt_tensor(const PickleDocument& document, const PickleTuple& arguments) {
    const auto& items = arguments.items;
    if (items.size() < 6 || items.size() > 7)
        throw damaged_pickle("a tensor needs six or seven arguments");
    const auto* from = document.get<PickleStorage>(items[0]);
    if (!from) throw damaged_pickle("a tensor has no storage");
    PickleTensor tensor{*from, count_at(document, items[1], "a tensor's offset"),
                        counts_at(document, items[2], "a tensor's size"),
                        counts_at(document, items[3], "a tensor's stride")};
    if (tensor.sizes.size() != tensor.strides.size())
        throw damaged_pickle("a tensor's size and stride differ in length");
    return tensor;
}

}  // namespace

Error damaged_pickle(const std::string& reason) {
    return Error::input("damaged PyTorch file").because(reason);
}

PickleGlobal find_pickle_class(const std::string& module, const std::string& name) {
    const auto found = std::find_if(allowed.begin(), allowed.end(), [&](const AllowedClass& row) {
        return row.module == module && row.name == name;
    });
    if (found != allowed.end()) return found->global;
    Error error = Error::input("a PyTorch file holds more than tensors and plain values");
    throw error.because("it names a class that could run code when loaded; this reader runs none")
        .advise("save the tensors alone: torch.save(model.state_dict(), FILE), or as safetensors")
        .at("class", module + "." + name);
}

PickleValue call_pickle_class(const PickleDocument& document, const PickleGlobal& global,
                              const PickleTuple& arguments) {
    switch (global.what) {
        case PickleClass::ordered_dict:
            if (!arguments.items.empty())
                throw damaged_pickle("an OrderedDict with arguments is not supported");
            return PickleDict{};
        case PickleClass::rebuild_tensor:
            return rebuilt_tensor(document, arguments);
        case PickleClass::rebuild_parameter: {  // (data, requires_grad, backward_hooks)
            const PickleTensor* tensor =
                arguments.items.empty() ? nullptr : document.get<PickleTensor>(arguments.items[0]);
            if (!tensor) throw damaged_pickle("a parameter has no tensor");
            return *tensor;
        }
        case PickleClass::name_space:
            return PickleOpaque{};
        case PickleClass::storage:
            break;
    }
    throw damaged_pickle("a storage is called like a function");
}

PickleStorage persistent_storage(const PickleDocument& document, ValueRef id) {
    const auto* tuple = document.get<PickleTuple>(id);
    if (!tuple || tuple->items.size() != 5)
        throw damaged_pickle("a persistent object is no storage of five parts");
    const auto* word = document.get<std::string>(tuple->items[0]);
    const auto* type = document.get<PickleGlobal>(tuple->items[1]);
    const auto* key = document.get<std::string>(tuple->items[2]);
    if (!word || *word != "storage" || !type || type->what != PickleClass::storage || !key ||
        key->size() > longest_key)
        throw damaged_pickle("a persistent object is no storage");
    return {type->dtype, *key, count_at(document, tuple->items[4], "a storage's size")};
}

}  // namespace aocq::nn
