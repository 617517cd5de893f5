// SPDX-License-Identifier: Apache-2.0
// Messages on their way: sending never waits for the receiver, and the box owns the bytes until MPI
// has let go of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "par/Communicator.hpp"

namespace aocq::par {

class Outbox {
  public:
    explicit Outbox(Communicator communicator);
    // Waits up to a second for what is still under way; after that the bytes are left to MPI.
    ~Outbox();
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;

    // Starts sending to another rank. `what` names the content in the error if it is larger than
    // max_message (Error::environment).
    void send(int destination, int tag, std::vector<std::byte> bytes, std::string_view what);

    // Lets MPI work and forgets what has arrived. To be called in every round of a polling loop.
    void progress();
    bool empty() const;
    std::size_t pending_bytes() const;

    // Waits until all is delivered; false if that took longer than `limit`.
    bool flush(std::chrono::milliseconds limit);

  private:
    struct Letter;
    Communicator communicator_;
    std::vector<std::unique_ptr<Letter>> letters_;
};

}  // namespace aocq::par
