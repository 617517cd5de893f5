// SPDX-License-Identifier: Apache-2.0
#include "nn/Weights.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/Log.hpp"
#include "core/Sha256.hpp"
#include "core/Text.hpp"
#include "nn/PositionEmbedding.hpp"
#include "nn/Safetensors.hpp"

namespace aocq::nn {
namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
    std::vector<std::string> parts;
    for (const auto extent : shape) parts.push_back(std::to_string(extent));
    return fmt::format("[{}]", join(parts, ", "));
}

// At most twelve names: a wrong file misses all of them and the first few tell enough.
std::string some(const std::vector<std::string>& all) {
    constexpr std::size_t most = 12;
    if (all.size() <= most) return join(all, ", ");
    return fmt::format("{} and {} more", join(std::span(all).first(most), ", "), all.size() - most);
}

// Buffers that some checkpoints carry and that the graph computes (Swin).
bool is_computed(const std::string& name) {
    return name.ends_with(".relative_position_index") || name.ends_with(".attn_mask");
}

bool is_weight(Dtype dtype) {
    return dtype == Dtype::f32 || dtype == Dtype::f16 || dtype == Dtype::bf16;
}

void add(Sha256& hash, const std::string& name, const at::Tensor& tensor) {
    const at::Tensor values = tensor.to(at::kCPU).to(at::kFloat).contiguous();
    hash.update(fmt::format("{}{}\n", name, shape_text(values.sizes().vec())));
    hash.update(std::as_bytes(
        std::span(values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel()))));
}

// What the file calls the graph's parameters.
NameMap names_in_file(const Graph& graph, const WeightFile& source, const NameMap& other_names) {
    const bool other = !other_names.empty() &&
                       std::all_of(other_names.begin(), other_names.end(), [&](const auto& entry) {
                           return source.tensors().contains(entry.second);
                       });
    NameMap names;
    for (const auto& parameter : graph.parameters()) {
        names[parameter.name] = other ? other_names.at(parameter.name) : parameter.name;
    }
    return names;
}

void check(const Graph& graph, const WeightFile& source, const NameMap& names,
           const std::filesystem::path& file) {
    std::vector<std::string> missing, unexpected, misshaped, mistyped;
    std::set<std::string> wanted;
    for (const auto& parameter : graph.parameters()) {
        wanted.insert(names.at(parameter.name));
        const auto found = source.tensors().find(names.at(parameter.name));
        if (found == source.tensors().end()) {
            missing.push_back(parameter.name);
            continue;
        }
        if (found->second.shape != parameter.shape &&
            !can_resample_position(graph, parameter, found->second.shape)) {
            misshaped.push_back(fmt::format("{} {} (wanted {})", parameter.name,
                                            shape_text(found->second.shape),
                                            shape_text(parameter.shape)));
        }
        const Dtype dtype = found->second.dtype;
        if (!is_weight(dtype)) {
            mistyped.push_back(fmt::format("{} {}", parameter.name, to_string(dtype)));
        }
    }
    for (const auto& [name, info] : source.tensors()) {
        if (!wanted.contains(name) && !is_computed(name)) unexpected.push_back(name);
    }
    if (missing.empty() && unexpected.empty() && misshaped.empty() && mistyped.empty()) return;
    Error error = Error::input("the weights do not fit the model");
    error.advise(
        "choose the model that the file belongs to, or correct its width, depth or classes");
    error.at("file", file.string());
    if (!missing.empty()) error.at("missing", some(missing));
    if (!unexpected.empty()) error.at("unexpected", some(unexpected));
    if (!misshaped.empty()) error.at("wrong_shape", some(misshaped));
    if (!mistyped.empty()) error.at("wrong_dtype", some(mistyped)).wanted("F32, F16 or BF16");
    throw error;
}

}  // namespace

void check_weights(const Graph& graph, const std::filesystem::path& file,
                   const NameMap& other_names) {
    const auto source = open_weights(file);
    check(graph, *source, names_in_file(graph, *source, other_names), file);
}

Parameters load_weights(const Graph& graph, const std::filesystem::path& file,
                        const NameMap& other_names) {
    const auto source = open_weights(file);
    const NameMap names = names_in_file(graph, *source, other_names);
    check(graph, *source, names, file);
    Parameters parameters;
    for (const auto& spec : graph.parameters()) {
        at::Tensor tensor = source->read(names.at(spec.name)).to(at::kFloat);
        if (tensor.sizes() != spec.shape) {
            log_info("{}: position embedding resampled from {} to {}", file.string(),
                     shape_text(tensor.sizes().vec()), shape_text(spec.shape));
            tensor = resample_position(graph, spec, tensor);
        }
        if (!at::isfinite(tensor).all().item<bool>()) {
            throw Error::input("a weight is not finite")
                .because("NaN or infinity in the file")
                .advise("the checkpoint is broken or its training diverged")
                .at("file", file.string())
                .at("tensor", spec.name);
        }
        parameters.emplace(spec.name, std::move(tensor));
    }
    return parameters;
}

std::string fingerprint(const Parameters& parameters) {
    Sha256 hash;
    for (const auto& [name, tensor] : parameters) add(hash, name, tensor);
    return hash.hex();
}

std::string fingerprint(const WeightFile& file) {
    Sha256 hash;
    for (const auto& [name, info] : file.tensors()) {
        if (is_weight(info.dtype) && !is_computed(name)) add(hash, name, file.read(name));
    }
    return hash.hex();
}

void save_weights(const std::filesystem::path& file, const Parameters& parameters,
                  const std::map<std::string, std::string>& metadata) {
    std::vector<at::Tensor> kept;
    std::vector<NamedFloats> tensors;
    for (const auto& [name, tensor] : parameters) {
        kept.push_back(tensor.detach().to(at::kCPU).to(at::kFloat).contiguous());
        const at::Tensor& values = kept.back();
        tensors.push_back(
            {name, values.sizes().vec(),
             std::span(values.const_data_ptr<float>(), static_cast<std::size_t>(values.numel()))});
    }
    write_safetensors(file, tensors, metadata);
}

}  // namespace aocq::nn
