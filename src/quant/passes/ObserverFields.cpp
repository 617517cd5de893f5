// SPDX-License-Identifier: Apache-2.0
#include "quant/passes/ObserverFields.hpp"

namespace aocq::quant {

ObserverOptions observer_from(Fields& fields, Observer fallback) {
    ObserverOptions options;
    options.observer = fields.choice<Observer>("observer", observer_names, fallback);
    options.percentile = fields.number("percentile", 0.5, 1.0, options.percentile);
    options.ema_sigma = fields.number("ema_sigma", 0.0, 1.0, options.ema_sigma);
    options.power = fields.number("power", 0.5, 8.0, options.power);
    options.steps = static_cast<int>(fields.integer("steps", 1, 10000, options.steps));
    return options;
}

ObserverOptions raw_observer_from(Fields& fields, Observer fallback) {
    const ObserverOptions options = observer_from(fields, fallback);
    if (options.observer == Observer::ema) {
        fields.fail("observer", Error::config("a running average over images has no meaning here")
                                    .advise("use candidates, minmax or mse")
                                    .found("ema"));
    }
    return options;
}

Json describe(const ObserverOptions& o) {
    return {{"observer", observer_names.name(o.observer)},
            {"percentile", o.percentile},
            {"ema_sigma", o.ema_sigma},
            {"power", o.power},
            {"steps", o.steps}};
}

}  // namespace aocq::quant
