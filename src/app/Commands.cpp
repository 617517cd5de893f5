// SPDX-License-Identifier: Apache-2.0
#include "app/Commands.hpp"

namespace aocq::app {

void add_commands(CLI::App& app, Chosen& chosen, const par::Communicator& communicator) {
    add_validate(app, chosen);
    add_plan(app, chosen);
    add_run(app, chosen, communicator);
    add_status(app, chosen);
    add_report(app, chosen);
    add_cache(app, chosen);
    add_inspect(app, chosen);
    add_stats(app, chosen);
    add_train(app, chosen);
}

}  // namespace aocq::app
