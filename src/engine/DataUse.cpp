// SPDX-License-Identifier: Apache-2.0
#include "engine/DataUse.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/EnumTable.hpp"
#include "core/Fields.hpp"
#include "core/Sha256.hpp"
#include "data/Subset.hpp"

namespace aocq::engine {
namespace {

constexpr std::int64_t most_synthetic = 1 << 20, default_synthetic = 32;

// Where calibration images come from.
enum class Source { dataset, synthetic, noise };
constexpr EnumTable<Source, 3> sources{
    {{{Source::dataset, "dataset"}, {Source::synthetic, "synthetic"}, {Source::noise, "noise"}}}};

// Nothing where the images are a dataset's.
std::optional<quant::SynthesisOptions> synthesis_from(Fields& fields) {
    const Source source = fields.choice("source", sources, std::optional(Source::dataset));
    quant::SynthesisOptions options = quant::synthesis_options_from(fields.object("synthesis"));
    if (source == Source::dataset) return std::nullopt;
    if (source == Source::synthetic) return options;
    options = {};
    options.iterations = 0;
    return options;
}

}  // namespace

std::size_t DataUse::size() const {
    return dataset ? dataset->size() : static_cast<std::size_t>(images);
}

int DataUse::classes() const {
    return dataset ? dataset->classes() : 0;
}

std::string DataUse::fingerprint() const {
    return dataset ? dataset->fingerprint()
                   : sha256_hex(canonical_json(quant::to_json(*synthesis)));
}

DataUse open_data(const Json& section, Purpose purpose) {
    Fields fields(section,
                  purpose == Purpose::calibration ? "data.calibration" : "data.evaluation");
    DataUse use;
    fields.text("description", "");
    if (purpose == Purpose::calibration) use.synthesis = synthesis_from(fields);
    // A study that compares both has the dataset's keys as well; they are checked and not used.
    if (!use.synthesis || fields.has("kind")) use.dataset = data::open_dataset(fields, {});
    if (use.synthesis) use.dataset.reset();
    const std::int64_t available =
        use.dataset ? static_cast<std::int64_t>(use.dataset->size()) : most_synthetic;
    use.images = use.dataset ? fields.integer("images", 0, available, 0)
                             : fields.integer("images", 1, available, default_synthetic);
    std::uint64_t draw = 0;
    use.batch = static_cast<int>(fields.integer("batch", 1, 4096, use.batch));
    if (purpose == Purpose::calibration) {
        use.chunk = static_cast<int>(fields.integer("chunk", 1, 1 << 20, use.chunk));
    } else {
        draw = static_cast<std::uint64_t>(fields.integer("draw", 0, INT64_MAX, 0));
        const int wanted = use.batch * ((use.lease + use.batch - 1) / use.batch);
        use.lease = static_cast<int>(fields.integer("lease", 1, 1 << 20, wanted));
        if (use.lease % use.batch != 0) {
            fields.fail("lease", Error::config("a lease must be whole batches")
                                     .because("otherwise its size would change the results")
                                     .found(fmt::format("{} images", use.lease))
                                     .wanted(fmt::format("a multiple of {}", use.batch)));
        }
    }
    fields.finish();
    if (use.images == 0) use.images = available;
    if (purpose == Purpose::evaluation && use.images < available) {
        auto drawn = data::draw_images(static_cast<std::size_t>(available),
                                       static_cast<std::size_t>(use.images), draw,
                                       data::DrawPurpose::evaluation);
        use.dataset = std::make_unique<data::Subset>(std::move(use.dataset), std::move(drawn));
    }
    return use;
}

std::vector<std::uint32_t> calibration_images(std::size_t available, std::int64_t images,
                                              std::uint64_t seed) {
    return data::draw_images(available, static_cast<std::size_t>(images), seed);
}

}  // namespace aocq::engine
