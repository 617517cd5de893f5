// SPDX-License-Identifier: Apache-2.0
#include "nn/PthArchive.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "core/Text.hpp"
#include "nn/PickleClasses.hpp"
#include "nn/PickleReader.hpp"

namespace aocq::nn {
namespace {

constexpr std::uint64_t largest_pickle = 64U << 20;  // bytes; it describes, the numbers are beside
constexpr int deepest_nesting = 4;
constexpr std::string_view pickle_name = "data.pkl";

// The folder inside the archive, "" or "NAME/".
std::string folder_of(const ZipArchive& archive) {
    std::vector<std::string> found;
    for (const auto& [name, size] : archive.sizes()) {
        if (name == pickle_name || name.ends_with(fmt::format("/{}", pickle_name)))
            found.push_back(name.substr(0, name.size() - pickle_name.size()));
    }
    if (found.size() == 1) return found.front();
    Error error = Error::input("a zip archive that is no PyTorch file");
    throw error.because(found.empty() ? "it has no data.pkl" : "it has more than one data.pkl")
        .advise("give a .safetensors file, or a .pth that torch.save wrote");
}

bool holds_tensors(const PickleDocument& document, const PickleDict& dict) {
    return std::any_of(dict.entries.begin(), dict.entries.end(), [&](const auto& entry) {
        return document.get<std::string>(entry.first) && document.get<PickleTensor>(entry.second);
    });
}

// The dictionary with the tensors: what lies under one of the usual names, or else the root.
const PickleDict& state_dict(const PickleDocument& document) {
    constexpr std::string_view usual[] = {"model", "state_dict", "model_state_dict"};
    const auto* dict = document.get<PickleDict>(document.root);
    std::vector<std::string> keys;
    for (int depth = 0; dict && depth < deepest_nesting; ++depth) {
        keys.clear();
        std::map<std::string_view, const PickleDict*> inner;
        for (const auto& [key, value] : dict->entries) {
            const auto* name = document.get<std::string>(key);
            if (!name) continue;
            keys.push_back(*name);
            inner[*name] = document.get<PickleDict>(value);
        }
        const auto next = std::find_if(std::begin(usual), std::end(usual), [&](auto name) {
            return inner.contains(name) && inner[name];
        });
        if (next != std::end(usual)) {
            dict = inner[*next];
            continue;
        }
        if (holds_tensors(document, *dict)) return *dict;
        break;
    }
    Error error = Error::input("a PyTorch file without a state dict");
    error.because("neither the file nor its entries 'model' or 'state_dict' map names to tensors");
    error.advise("save model.state_dict()");
    if (keys.size() > 12) keys.resize(12);
    throw error.found(keys.empty() ? "no named entries" : join(keys, ", "));
}

}  // namespace

PthArchive::PthArchive(const std::filesystem::path& file)
    : archive_(file), folder_(folder_of(archive_)) {
    check_byte_order();
    const std::string pickle = folder_ + std::string(pickle_name);
    if (archive_.sizes().at(pickle) > largest_pickle)
        throw damaged_pickle("its pickle is larger than a description of tensors can be");
    const PickleDocument document = read_pickle(archive_.read(pickle));
    for (const auto& [key, value] : state_dict(document).entries) {
        const auto* name = document.get<std::string>(key);
        const auto* tensor = document.get<PickleTensor>(value);
        if (!name || !tensor) continue;
        check(*name, *tensor);
        tensors_.insert_or_assign(*name, *tensor);
    }
}

std::vector<std::byte> PthArchive::read(const PickleStorage& storage) const {
    return archive_.read(entry_of(storage));
}

std::string PthArchive::entry_of(const PickleStorage& storage) const {
    return folder_ + "data/" + storage.key;
}

void PthArchive::check_byte_order() const {
    const auto found = archive_.sizes().find(folder_ + "byteorder");
    if (found == archive_.sizes().end()) return;  // before PyTorch 2.1
    if (found->second != 6 || std::to_integer<char>(archive_.read(found->first)[0]) != 'l')
        throw damaged_pickle("its numbers are not little-endian");
}

void PthArchive::check(const std::string& name, const PickleTensor& tensor) const {
    const auto complain = [&](const std::string& reason) {
        return damaged_pickle(reason).at("tensor", name);
    };
    const PickleStorage& storage = tensor.storage;
    const auto found = archive_.sizes().find(entry_of(storage));
    if (found == archive_.sizes().end())
        throw complain("its numbers are not in the archive").at("entry", entry_of(storage));
    const auto bytes = static_cast<std::int64_t>(found->second);  // no more than the file has
    const std::int64_t size = static_cast<std::int64_t>(size_of(storage.dtype));
    if (storage.count > bytes / size || storage.count * size != bytes) {
        throw complain("a storage has another size than the pickle says")
            .found(fmt::format("{} bytes", bytes))
            .wanted(fmt::format("{} values of {} bytes", storage.count, size));
    }
    if (tensor.offset > storage.count) throw complain("it reaches beyond its storage");
    // Strides may repeat values, but not so often that a small file makes a huge tensor.
    const std::int64_t most = std::max<std::int64_t>(storage.count, 1);
    std::int64_t values = 1, last = tensor.offset;
    for (std::size_t i = 0; i < tensor.sizes.size(); ++i) {
        const std::int64_t extent = tensor.sizes[i], stride = tensor.strides[i];
        if (extent > most || (extent != 0 && values > most / extent))
            throw complain("its shape has more values than its storage");
        values *= extent;
        if (extent > 1 && stride > most / (extent - 1))
            throw complain("it reaches beyond its storage");
        last += extent > 1 ? (extent - 1) * stride : 0;
    }
    if (values > 0 && last >= storage.count) throw complain("it reaches beyond its storage");
}

}  // namespace aocq::nn
