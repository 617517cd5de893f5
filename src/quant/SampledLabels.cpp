// SPDX-License-Identifier: Apache-2.0
#include "quant/SampledLabels.hpp"

namespace aocq::quant {

std::vector<std::int64_t> draw_labels(const at::Tensor& logits, std::int64_t first,
                                      const RandomKey& key) {
    const at::Tensor shares =
        at::softmax(logits.detach().to(at::kCPU, at::kDouble), -1).contiguous();
    const std::int64_t classes = shares.size(1);
    std::vector<std::int64_t> labels;
    for (std::int64_t i = 0; i < shares.size(0); ++i) {
        RandomStream stream(key.child(static_cast<std::uint64_t>(first + i)));
        double left = stream.uniform();
        const double* row = shares.const_data_ptr<double>() + i * classes;
        std::int64_t label = 0;
        while (label + 1 < classes && left >= row[label]) left -= row[label++];
        labels.push_back(label);
    }
    return labels;
}

at::Tensor label_losses(const at::Tensor& log_probabilities,
                        const std::vector<std::int64_t>& labels) {
    const at::Tensor index = at::tensor(at::ArrayRef<std::int64_t>(labels.data(), labels.size()))
                                 .to(log_probabilities.device())
                                 .unsqueeze(1);
    return -log_probabilities.gather(1, index).squeeze(1);
}

}  // namespace aocq::quant
