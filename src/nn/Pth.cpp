// SPDX-License-Identifier: Apache-2.0
#include "nn/Pth.hpp"

#include <ATen/ATen.h>

#include "core/Error.hpp"
#include "nn/PthArchive.hpp"

namespace aocq::nn {
namespace {

class PthWeights : public WeightFile {
  public:
    explicit PthWeights(const std::filesystem::path& file) : archive_(file) {
        std::map<std::string, TensorInfo> infos;
        for (const auto& [name, tensor] : archive_.tensors())
            infos[name] = {tensor.storage.dtype, tensor.sizes};
        list(infos);
    }
    std::string_view format() const override { return "PyTorch"; }

  private:
    at::Tensor load(const std::string& name) const override {
        const PickleTensor& tensor = archive_.tensors().at(name);
        try {
            std::vector<std::byte> bytes = archive_.read(tensor.storage);
            const at::Tensor storage =
                at::from_blob(bytes.data(), {tensor.storage.count},
                              at::TensorOptions(scalar_type(tensor.storage.dtype)));
            return storage.as_strided(tensor.sizes, tensor.strides, tensor.offset)
                .clone(at::MemoryFormat::Contiguous);
        } catch (Error& error) {
            throw error.at("tensor", name);
        }
    }

    PthArchive archive_;
};

}  // namespace

std::unique_ptr<WeightFile> open_pth(const std::filesystem::path& file) {
    try {
        return std::make_unique<PthWeights>(file);
    } catch (Error& error) {
        if (error.field("file").empty()) error.at("file", file.string());
        throw;
    }
}

}  // namespace aocq::nn
