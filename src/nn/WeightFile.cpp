// SPDX-License-Identifier: Apache-2.0
#include "nn/WeightFile.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <string_view>

#include "core/Files.hpp"
#include "nn/Pth.hpp"

namespace aocq::nn {
namespace {

class SafetensorsWeights : public WeightFile {
  public:
    explicit SafetensorsWeights(const std::filesystem::path& file) : source_(file) {
        std::map<std::string, TensorInfo> infos;
        for (const auto& [name, view] : source_.tensors()) infos[name] = {view.dtype, view.shape};
        list(infos);
    }
    std::string_view format() const override { return "safetensors"; }

  private:
    at::Tensor load(const std::string& name) const override {
        const TensorView& view = source_.tensors().at(name);
        // from_blob wants a mutable pointer; the clone right after is all that reads it. The map
        // may be unaligned.
        std::vector<std::byte> aligned(view.bytes.begin(), view.bytes.end());
        return at::from_blob(aligned.data(), view.shape, at::TensorOptions(scalar_type(view.dtype)))
            .clone();
    }

    Safetensors source_;
};

bool starts_with(std::span<const std::byte> bytes, std::string_view text, std::size_t at = 0) {
    return bytes.size() >= at + text.size() &&
           std::equal(text.begin(), text.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                      [](char c, std::byte b) { return static_cast<std::byte>(c) == b; });
}

// torch.save before 1.6 wrote a row of bare pickles, before 0.1.10 a tar archive of them.
void refuse_legacy(std::span<const std::byte> bytes, const std::filesystem::path& file) {
    if (!starts_with(bytes, "\x80\x02") && !starts_with(bytes, "ustar", 257)) return;
    throw Error::input("a PyTorch file in the format from before version 1.6")
        .because("only the zip format, which later versions write, is read")
        .advise(
            "write it again with a later PyTorch: "
            "torch.save(torch.load(FILE, weights_only=True), FILE)")
        .at("file", file.string());
}

}  // namespace

void WeightFile::list(const std::map<std::string, TensorInfo>& tensors) {
    constexpr std::string_view prefixes[] = {"module.", "_orig_mod.", "backbone."};
    const auto shared = [&](std::string_view prefix) {
        return !tensors.empty() &&
               std::all_of(tensors.begin(), tensors.end(), [&](const auto& entry) {
                   const std::string& name = entry.first;
                   return name.size() > prefix_.size() + prefix.size() &&
                          name.compare(prefix_.size(), prefix.size(), prefix) == 0;
               });
    };
    for (auto found = std::begin(prefixes); found != std::end(prefixes);) {
        if (!shared(*found)) {
            ++found;
            continue;
        }
        prefix_ += *found;
        found = std::begin(prefixes);  // wrappers may be wrapped
    }
    for (const auto& [name, info] : tensors) tensors_.emplace(name.substr(prefix_.size()), info);
}

std::unique_ptr<WeightFile> open_weights(const std::filesystem::path& file) {
    {
        const FileMap map(file);
        if (starts_with(map.bytes(), "PK\x03\x04")) return open_pth(file);
        refuse_legacy(map.bytes(), file);
    }
    return std::make_unique<SafetensorsWeights>(file);
}

at::ScalarType scalar_type(Dtype dtype) {
    switch (dtype) {
        case Dtype::f32:
            return at::kFloat;
        case Dtype::f16:
            return at::kHalf;
        case Dtype::bf16:
            return at::kBFloat16;
        case Dtype::f64:
            return at::kDouble;
        case Dtype::i64:
            return at::kLong;
        case Dtype::i32:
            return at::kInt;
        case Dtype::i16:
            return at::kShort;
        case Dtype::i8:
            return at::kChar;
        case Dtype::u8:
            return at::kByte;
        case Dtype::boolean:
            break;
    }
    return at::kBool;
}

}  // namespace aocq::nn
