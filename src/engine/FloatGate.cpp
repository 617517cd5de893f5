// SPDX-License-Identifier: Apache-2.0
#include "engine/FloatGate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/Fields.hpp"
#include "core/Text.hpp"
#include "data/Preprocess.hpp"
#include "engine/Facts.hpp"

namespace aocq::engine {
namespace {

// ImageNet's validation set, by what no other list in use shares. Its fingerprint is not asked
// for: it differs between layouts (class folders, flat, archives).
constexpr std::int64_t imagenet_images = 50'000, imagenet_classes = 1000;

bool is_whole_imagenet(const FloatSubject& subject) {
    return subject.listed == imagenet_images && subject.images == imagenet_images &&
           subject.classes == imagenet_classes;
}

FloatReference published_reference(const FloatSubject& subject) {
    const auto images = static_cast<double>(subject.images);
    return {FloatSource::published, *subject.published_top1 / 100 * images,
            subject.published_tolerance / 100 * images,
            "published for ImageNet's validation set (float_top1 of the model)"};
}

std::string fingerprint_field(Fields& fields, const char* key) {
    const std::string text = fields.text(key);
    const bool hex =
        text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!hex)
        fields.fail(key, Error::config("not a fingerprint").found(text).wanted("64 hex digits"));
    return text;
}

std::string canonical_preprocess(const Json& section, const std::string& path) {
    return canonical_json(data::to_json(data::preprocess_from(Fields(section, path))));
}

// A value of the preprocessing in TOML; means and deviations are single precision.
std::string toml_value(const Json& value) {
    if (!value.is_array()) return value.dump();
    std::vector<std::string> numbers;
    for (const auto& number : value) numbers.push_back(fmt::format("{}", number.get<float>()));
    return fmt::format("[{}]", join(numbers, ", "));
}

std::string percent_of(double images, std::int64_t of) {
    return fmt::format("{:.2f} %", 100 * images / static_cast<double>(of));
}

}  // namespace

FloatSubject float_subject(const config::Experiment& experiment, const Json& facts) {
    const nn::ModelSpec spec = nn::model_spec_from(Fields(experiment.model, "model"));
    const Json& list = facts.at("data").at(canonical_json(experiment.evaluation));
    FloatSubject subject;
    subject.model = model_name(experiment);
    subject.weights = facts.at("models").at(canonical_json(experiment.model)).at("weights");
    subject.list = list.at("fingerprint");
    subject.listed = list.at("size");
    subject.images = experiment.evaluation.value("images", std::int64_t{0});
    if (subject.images == 0) subject.images = subject.listed;
    subject.classes = list.at("classes");
    subject.preprocess = data::to_json(spec.preprocess);
    subject.published_top1 = spec.float_top1;
    subject.published_tolerance = spec.float_tolerance;
    return subject;
}

FloatCounts::FloatCounts(const Json& tables) {
    if (!tables.is_array()) throw Error::config("the known float counts are no list of tables");
    for (std::size_t i = 0; i < tables.size(); ++i) {
        Fields fields(tables[i], fmt::format("count[{}]", i));
        Count count;
        const std::string model = fields.text("model", "");
        count.weights = fingerprint_field(fields, "weights");
        count.list = fingerprint_field(fields, "list");
        count.images = fields.integer("images", 1, std::int64_t{1} << 40);
        count.preprocess =
            canonical_preprocess(fields.value("preprocess"), fields.path_of("preprocess"));
        const auto top1 = static_cast<double>(fields.integer("top1", 0, count.images));
        const auto tolerance = static_cast<double>(fields.integer("tolerance", 0, count.images));
        count.reference = {FloatSource::counted, top1, tolerance, fields.text("source")};
        fields.finish();
        counts_.push_back(std::move(count));
    }
}

std::vector<FloatReference> FloatCounts::references(const FloatSubject& subject) const {
    std::vector<FloatReference> known;
    const std::string preprocess = canonical_preprocess(subject.preprocess, "preprocess");
    for (const Count& count : counts_) {
        if (count.weights == subject.weights && count.list == subject.list &&
            count.images == subject.images && count.preprocess == preprocess) {
            known.push_back(count.reference);
        }
    }
    if (subject.published_top1 && is_whole_imagenet(subject))
        known.push_back(published_reference(subject));
    return known;
}

const FloatReference* contradicted(std::span<const FloatReference> references, std::int64_t top1) {
    const auto found = std::find_if(references.begin(), references.end(), [&](const auto& known) {
        // Percentages are exact to a thousandth of an image at best.
        return std::abs(static_cast<double>(top1) - known.top1) > known.tolerance + 1e-3;
    });
    return found == references.end() ? nullptr : &*found;
}

Error float_error(const FloatSubject& subject, const FloatReference& reference, std::int64_t top1) {
    return Error::input("the float model does not have its known accuracy")
        .because(
            "usually the crop or the resize, mean and std, the order of the classes, or other "
            "weights of the same architecture")
        .advise(
            "compare [preprocess] and the weights' source with configs/models and the synsets with "
            "the folders; to go on nevertheless, set float_gate = \"warn\" in the study")
        .at("model", subject.model)
        .at("reference", reference.source)
        .found(fmt::format("{} of {} right ({})", top1, subject.images,
                           percent_of(static_cast<double>(top1), subject.images)))
        .wanted(fmt::format("{:.0f} ± {:.0f} ({})", reference.top1, reference.tolerance,
                            percent_of(reference.top1, subject.images)));
}

std::string count_table(const FloatSubject& subject, std::int64_t top1, const std::string& source) {
    std::vector<std::string> preprocess;
    for (const auto& [key, value] : subject.preprocess.items())
        preprocess.push_back(fmt::format("{} = {}", key, toml_value(value)));
    return fmt::format(
        "\n[[count]]\nmodel = {}\nweights = \"{}\"\nlist = \"{}\"\nimages = {}\n"
        "preprocess = {{ {} }}\ntop1 = {}\ntolerance = {}\nsource = {}\n",
        Json(subject.model).dump(), subject.weights, subject.list, subject.images,
        join(preprocess, ", "), top1, std::max<std::int64_t>(1, subject.images / 1000),
        Json(source).dump());
}

}  // namespace aocq::engine
