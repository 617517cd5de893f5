// SPDX-License-Identifier: Apache-2.0
// The state that passes work on: for each site its scheme and its quantizer (several sites may
// share one), plus the parameters that a pass changed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "nn/Executor.hpp"
#include "nn/GraphEdit.hpp"
#include "quant/Scheme.hpp"
#include "quant/Sites.hpp"
#include "quant/kernels/Layout.hpp"

namespace aocq::quant {

// A codec with its parameters. Static: one grid per part of the partition; a twin codec has its
// lower and its upper grid. Dynamic: grids come from the data.
struct Quantizer {
    std::string id;  // the name of its first site, unless shared
    SiteScheme scheme;
    std::vector<Grid> grids;
    bool fitted = false;
};

class Quantization {
  public:
    Quantization() = default;
    // One quantizer per quantized site; dynamic ones need no fitting.
    Quantization(const std::vector<Site>& sites, const std::vector<SiteScheme>& schemes);

    const std::vector<Quantizer>& quantizers() const { return quantizers_; }
    // The quantizer of a site; null where it is float.
    const Quantizer* find(const std::string& site) const;
    Quantizer* find(const std::string& site);
    // Lets `site` use the quantizer of `other`.
    void share(const std::string& site, const std::string& other);
    const std::map<std::string, std::size_t>& assignments() const { return assignments_; }

    // The step of its scores, where an integer softmax makes a site's probabilities; whoever
    // changes the scores' quantizer calls it again.
    void count_in_steps_of_scores(const Site& probability);

    // A site that was to be quantized and that no pass fitted is an error, never silent float.
    void require_fitted() const;

  private:
    friend struct ArtefactCodec;
    std::vector<Quantizer> quantizers_;
    std::map<std::string, std::size_t> assignments_;
};

// The node at which a quantizer acts: an integer softmax replaces the one before its site.
std::size_t node_of(const Site& site, const SiteScheme& scheme);

struct QuantizedModel {
    Quantization quantization;
    std::vector<nn::GraphEdit> edits;  // places for parameters that passes added
    nn::Parameters balanced;  // equivalent rewrites: with them the float function is unchanged
    nn::Parameters changed;   // values that replace the balanced ones and the model's
    Json report =
        Json::array();  // one entry per pass: name and its objective before and after, per site
};

// What the float teacher runs with: the model's parameters, those that edits added, and equivalent
// rewrites on top.
nn::Parameters teacher_parameters(const nn::Parameters& parameters, const QuantizedModel& model);
// The same with the changed values on top; weights not yet on their grids.
nn::Parameters student_parameters(const nn::Parameters& parameters, const QuantizedModel& model);

// How a tensor of these sizes is cut for a site's quantizer. Weights [O, ...], activations as the
// executor hands them. Error(config) where a group size or a number of parts
// does not divide.
Layout layout_of(const SiteScheme& scheme, const Site& site,
                 const std::vector<std::int64_t>& sizes);

}  // namespace aocq::quant
