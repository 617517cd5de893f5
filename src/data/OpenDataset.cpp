// SPDX-License-Identifier: Apache-2.0
// From the keys of a study's [data...] table to a dataset.
#include <utility>

#include "core/EnumTable.hpp"
#include "core/Error.hpp"
#include "data/CsvList.hpp"
#include "data/Dataset.hpp"
#include "data/GeneratedDataset.hpp"
#include "data/IlsvrcFolder.hpp"
#include "data/ImageFolder.hpp"
#include "data/Subset.hpp"
#include "data/WebDataset.hpp"

namespace aocq::data {
namespace {

namespace fs = std::filesystem;

enum class Kind { folder, csv, ilsvrc, webdataset, generated };
constexpr EnumTable<Kind, 5> kind_names{{{{Kind::folder, "folder"},
                                          {Kind::csv, "csv"},
                                          {Kind::ilsvrc, "ilsvrc"},
                                          {Kind::webdataset, "webdataset"},
                                          {Kind::generated, "generated"}}}};

constexpr int max_classes = 1'000'000;

fs::path optional_path(Fields& fields, std::string_view key, const fs::path& base) {
    const std::string text = fields.text(key, "");
    return text.empty() ? fs::path() : base / text;
}

fs::path required_path(Fields& fields, std::string_view key, const fs::path& base) {
    const std::string text = fields.text(key);
    if (text.empty()) fields.fail(key, Error::config("path is empty"));
    return base / text;
}

std::unique_ptr<Dataset> open_generated(Fields& fields) {
    GeneratedOptions options;
    options.split = fields.choice("split", split_names, std::optional(options.split));
    options.seed = static_cast<std::uint64_t>(fields.integer("seed", 0, INT64_MAX, 0));
    options.count = static_cast<std::uint32_t>(fields.integer("count", 1, 10'000'000, 1000));
    options.classes =
        static_cast<int>(fields.integer("classes", 2, generated_classes, generated_classes));
    options.image_size = static_cast<int>(fields.integer("image_size", 16, 512, 64));
    return std::make_unique<GeneratedDataset>(options);
}

std::unique_ptr<Dataset> open_csv(Fields& fields, const fs::path& base, int classes) {
    const fs::path list = required_path(fields, "list", base);
    fs::path root = optional_path(fields, "root", base);
    if (root.empty()) root = list.parent_path();
    return std::make_unique<CsvList>(list, root, optional_path(fields, "synsets", base), classes);
}

std::unique_ptr<Dataset> open_ilsvrc(Fields& fields, const fs::path& base, int classes) {
    IlsvrcFiles files;
    files.order = fields.choice("order", label_order_names);
    files.root = required_path(fields, "root", base);
    files.ground_truth = required_path(fields, "ground_truth", base);
    files.synsets = required_path(fields, "synsets", base);
    if (files.order == LabelOrder::ilsvrc) {
        files.ids = required_path(fields, "ids", base);
    } else if (fields.has("ids")) {
        fields.fail("ids", Error::config("ids are of use with order = \"ilsvrc\" only")
                               .advise("remove the key, or correct `order`"));
    }
    return std::make_unique<IlsvrcFolder>(files, classes);
}

std::unique_ptr<Dataset> open_files(Fields& fields, const fs::path& base, Kind kind) {
    const int classes = static_cast<int>(fields.integer("classes", 0, max_classes, 0));
    if (kind == Kind::csv) return open_csv(fields, base, classes);
    if (kind == Kind::ilsvrc) return open_ilsvrc(fields, base, classes);
    const fs::path synsets = optional_path(fields, "synsets", base);
    if (kind == Kind::webdataset) {
        return std::make_unique<WebDataset>(required_path(fields, "shards", base), synsets,
                                            classes);
    }
    return std::make_unique<ImageFolder>(required_path(fields, "root", base), synsets, classes);
}

}  // namespace

std::unique_ptr<Dataset> open_dataset(Fields& fields, const fs::path& base) {
    const Kind kind = fields.choice("kind", kind_names);
    if (kind == Kind::generated) return open_generated(fields);
    std::unique_ptr<Dataset> dataset = open_files(fields, base, kind);
    const fs::path list = optional_path(fields, "subset", base);
    if (list.empty()) return dataset;
    std::vector<std::uint32_t> indices = read_subset(list, *dataset);
    return std::make_unique<Subset>(std::move(dataset), std::move(indices));
}

}  // namespace aocq::data
