// SPDX-License-Identifier: Apache-2.0
#include "engine/DataUse.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/Fields.hpp"
#include "data/Subset.hpp"

namespace aocq::engine {

DataUse open_data(const Json& section, Purpose purpose) {
    Fields fields(section,
                  purpose == Purpose::calibration ? "data.calibration" : "data.evaluation");
    DataUse use;
    fields.text("description", "");
    use.dataset = data::open_dataset(fields, {});
    const auto available = static_cast<std::int64_t>(use.dataset->size());
    use.images = fields.integer("images", 0, available, 0);
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
