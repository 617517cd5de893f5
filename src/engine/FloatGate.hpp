// SPDX-License-Identifier: Apache-2.0
// FP32 first (DESIGN §7): how many images the float model must get right, where that is known, and
// whether it does. Wrong preprocessing or wrong weights are found before any quantized number is
// made with them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/Study.hpp"
#include "core/Error.hpp"
#include "core/Json.hpp"
#include "nn/Model.hpp"

namespace aocq::engine {

// A float model on a list of images, as everything that may change its accuracy.
struct FloatSubject {
    std::string model;                     // its name in tables
    std::string weights;                   // fingerprint
    std::string list;                      // fingerprint of the whole list of images
    std::int64_t listed = 0;               // images on the list
    std::int64_t images = 0;               // of them evaluated
    std::int64_t classes = 0;              // of the list
    Json preprocess;                       // data::to_json
    std::optional<double> published_top1;  // percent, of ImageNet's validation set
    double published_tolerance = 0;        // percentage points
};
// `facts` are those of gather_facts.
FloatSubject float_subject(const config::Experiment& experiment, const Json& facts);

enum class FloatSource { counted, published };

struct FloatReference {
    FloatSource kind;
    double top1;       // images whose first prediction is the label
    double tolerance;  // images
    std::string source;
};

// The [[count]] tables of configs/float. Keys: model (for people), weights, list, images,
// preprocess, top1 and tolerance (images), source. Error(config) for what is no such table.
class FloatCounts {
  public:
    explicit FloatCounts(const Json& tables);

    // What is known of the subject: counts of the same weights, list, number of images and
    // preprocessing; and the published accuracy where all of ImageNet's validation set is
    // evaluated. A preprocessing that differs only where the decimal form of a number does is the
    // same.
    std::vector<FloatReference> references(const FloatSubject& subject) const;

  private:
    struct Count {
        std::string weights, list;
        std::int64_t images;
        std::string preprocess;  // canonical
        FloatReference reference;
    };
    std::vector<Count> counts_;
};

// The first reference that the count is beyond the tolerance of; null where it agrees with all.
const FloatReference* contradicted(std::span<const FloatReference> references, std::int64_t top1);

// Error(input) that says what was found and wanted, and what usually is wrong.
Error float_error(const FloatSubject& subject, const FloatReference& reference, std::int64_t top1);

// One [[count]] table in TOML, to be appended to a file of configs/float. The tolerance is one
// image in a thousand, at least one: another order of float additions changes as much.
std::string count_table(const FloatSubject& subject, std::int64_t top1, const std::string& source);

}  // namespace aocq::engine
