// SPDX-License-Identifier: Apache-2.0
// Searches the scale and shift of a layer's input channels: r^alpha of the channels' extents r,
// with or without centring, for the smallest token-weighted output error (METHODS 0.5, "Operator").
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "quant/Quantization.hpp"
#include "quant/passes/BalanceOptions.hpp"
#include "quant/passes/Extremes.hpp"
#include "quant/passes/LayerError.hpp"

namespace aocq::quant {

// A value that is scaled and shifted with the layer's input: x [images, rows, C].
struct Companion {
    at::Tensor x;
    const Quantizer* quantizer;
    double share;  // of its squared error that reaches the layer's input
};

// What is to be balanced: a layer's input x [images, rows, C], the weights of its tokens [images,
// rows], the layer's weight [O, C] (of all layers with this input, one below the other) and how
// both are quantized (null: float).
struct LayerTask {
    at::Tensor x, token_weights, weight;
    const Quantizer* input = nullptr;
    const Quantizer* rounded = nullptr;
    std::optional<Companion> companion = std::nullopt;
    bool may_shift = true;
};

class LayerSearch {
  public:
    // `options` and the quantizers must outlive the search.
    LayerSearch(const BalanceOptions& options, LayerTask task);

    struct Candidate {
        double alpha = 0;
        bool shifted = false;
        Balance balance;
        Range range, companion;
        double activation = 0, weight = 0;  // parts of the error on the searched rows
        double error() const { return activation + weight; }
        std::size_t shrunk = 0, companion_shrunk = 0;  // places in the list of range factors
        at::Tensor log_factor = {};  // [C] of what refined() added to the scale; undefined: nothing
    };

    Candidate identity() const;
    // The best of all, `unchanged` included. Extents that one half of the images shows are tried on
    // the other half, because the more a channel is scaled by its extremes, the more of it lies
    // beyond them in other images.
    Candidate best(const Candidate& unchanged) const;
    Candidate best() const { return best(identity()); }
    // Every channel's scale moved on by gradients of the error, Adam on its logarithm; `start`
    // where that gains nothing on the images of the search. For one static grid per operand; others
    // are left as they are.
    Candidate refined(const Candidate& start) const;

    // The error on the images that the search did not see: of rounding the activations, and in all.
    struct Judged {
        double activation = 0, weight = 0;
        double error() const { return activation + weight; }
    };
    Judged judge(const Candidate& candidate) const;

    // What the channels' extents alone foretell of the activations' error, up to a factor that is
    // the same for all candidates (METHODS 0.3, I9): the square of the width that one grid has to
    // cover, times the sum over channels of scale^2 |w|^2.
    double predicted(const Candidate& candidate) const;

  private:
    // Extremes of some images and rows of others: what lies beyond the extremes is cut off, as it
    // will be in images that the calibration has not seen.
    struct Part {
        Rows rows, companion;
        at::Tensor root;                        // of the rows' weights [R]
        at::Tensor companion_root;              // the same of the companion's rows
        Extremes extremes, companion_extremes;  // of the other images
        at::Tensor shift() const { return (extremes.low + extremes.high) / 2; }
    };
    // Sum of w (x - m)(x - m)^T for m = 0 and m = the shift: [C, C] f32.
    struct Moments {
        at::Tensor plain, shifted;
    };
    struct Found {
        std::size_t place = 0;
        double error = 0;
    };
    enum class Which { input, companion };

    void make_parts();
    Part make_part(const std::vector<std::int64_t>& measured, std::int64_t rows) const;
    Moments moments_of(const std::vector<const Part*>& parts) const;
    Candidate best_exponent(bool shifted, const Candidate& identity) const;
    Candidate evaluate(double alpha, bool shifted, const Candidate* near,
                       const at::Tensor& log_factor = {}) const;
    // r^alpha of these extremes, which are as far from `shift` as they are, times exp(log_factor).
    Balance balance_of(const Extremes& extremes, double alpha, bool shifted,
                       const at::Tensor& log_factor = {}) const;
    // Parts of the error as functions of what the scale is multiplied by, [C].
    using Loss = std::function<at::Tensor(const at::Tensor&)>;
    std::vector<Loss> losses_of(const Candidate& start) const;
    static float range_factor(std::size_t place);
    // The range with the smallest error, looked for from `start` on in the list of factors; one
    // balance per part of the search.
    Found best_range(Which which, const std::vector<Balance>& balances, std::size_t start) const;
    double activation_error(const Part& part, Which which, const Balance& balance,
                            std::size_t place) const;
    double weight_error(const Moments& moments, const Candidate& candidate) const;

    const BalanceOptions& options_;
    LayerTask task_;
    // Of the search's images only: to the others the balanced values are like those of unseen
    // images, which the search for steps wants (BlockSteps).
    Extremes extremes_, companion_extremes_;
    LayerError layer_;
    at::Tensor column_norms_;  // |w_c|^2 [C] f64
    std::vector<Part> search_;
    Part judge_;
    Moments search_moments_, judge_moments_;
};

}  // namespace aocq::quant
