// SPDX-License-Identifier: Apache-2.0
// The few classes and functions that a checkpoint may name, and what each makes of its arguments.
// Nothing else is looked up, and nothing is ever executed.
#pragma once

#include <string>

#include "core/Error.hpp"
#include "nn/PickleValue.hpp"

namespace aocq::nn {

// OrderedDict, _rebuild_tensor_v2, _rebuild_parameter, torch's typed storages, argparse.Namespace.
// Error(input) for any other name.
PickleGlobal find_pickle_class(const std::string& module, const std::string& name);

// global(*arguments), as pickle's REDUCE and NEWOBJ ask for. `arguments` is a tuple of the
// document.
PickleValue call_pickle_class(const PickleDocument& document, const PickleGlobal& global,
                              const PickleTuple& arguments);

// ("storage", type, key, location, count)
PickleStorage persistent_storage(const PickleDocument& document, ValueRef id);

Error damaged_pickle(const std::string& reason);

}  // namespace aocq::nn
