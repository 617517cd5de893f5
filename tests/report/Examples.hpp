// SPDX-License-Identifier: Apache-2.0
// Hand-made results of a small study: two observers, two bit-widths, seeds, a failure, an
// unfinished experiment and a float model.
#pragma once

#include <string>
#include <vector>

#include "config/Study.hpp"
#include "report/ResultRow.hpp"

namespace aocq::report::test {

inline ResultRow result(const std::string& observer, config::BitWidths bits, std::uint64_t seed,
                        std::int64_t top1, double kl) {
    ResultRow row;
    row.bits = bits;
    row.seed = seed;
    row.model_name = "DeiT-T";
    row.coordinates = {{"method.observer", observer},
                       {"bits", config::to_string(bits)},
                       {"seed", static_cast<std::int64_t>(seed)}};
    row.experiment_id = observer + config::to_string(bits) + "s" + std::to_string(seed);
    row.summary = {400, top1, top1 + 60, top1 + 30, kl, kl / 16};
    row.complete = true;
    return row;
}

inline ResultRow float_result(const std::string& model, std::int64_t top1) {
    ResultRow row;
    row.experiment_id = "float" + model;
    row.is_float = true;
    row.model_name = model;
    row.summary = {400, top1, top1 + 70, 400, 0, 0};
    row.complete = true;
    return row;
}

inline std::vector<ResultRow> example() {
    std::vector<ResultRow> rows{
        float_result("DeiT-T", 290),           result("minmax", {8, 8}, 0, 285, 0.03125),
        result("minmax", {4, 4}, 0, 40, 4.5),  result("mse", {8, 8}, 0, 288, 0.0123456),
        result("mse", {8, 8}, 1, 286, 0.0125), result("mse", {4, 4}, 0, 0, 0),
        result("mse", {4, 4}, 1, 0, 0)};
    for (std::size_t i : {5U, 6U}) {
        rows[i].summary = {};
        rows[i].complete = false;
    }
    rows[5].failure = "a value is not finite (blocks.3.mlp.fc2 | NaN)\nstop";
    return rows;
}

inline config::TableSpec example_spec() {
    config::TableSpec spec;
    spec.name = "observers";
    spec.caption = "Observers at two bit-widths";
    spec.rows = {"method.observer"};
    spec.columns = {"bits"};
    spec.cells = {"top1", "kl"};
    spec.published.file = "published/x.csv";
    spec.published.model = "DeiT-T";
    spec.published.methods = {{"float", {"FP"}}, {"minmax", {"MinMax"}}, {"mse", {"OMSE"}}};
    spec.published.tolerance = 0.5;
    return spec;
}

inline const char* const published_csv =
    "task,dataset,model,method,wbits,abits,metric,value,source\n"
    "classification,ImageNet-1k,DeiT-T,FP,32,32,top1,72.21,\"a paper, table 1\"\n"
    "classification,ImageNet-1k,DeiT-T,MinMax,8,8,top1,71.0,\"a paper, table 1\"\n"
    "classification,ImageNet-1k,DeiT-T,OMSE,8,8,top1,73.25,another paper\n"
    "classification,ImageNet-1k,DeiT-T,OMSE,8,8,top1,70.00,a rerun\n"
    "classification,ImageNet-1k,DeiT-S,MinMax,8,8,top1,1.0,another model\n"
    "classification,ImageNet-1k,DeiT-T,MinMax,8,8,speedup_x,3.7-4.1,a range\n";

}  // namespace aocq::report::test
