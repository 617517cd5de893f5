// SPDX-License-Identifier: Apache-2.0
#include "nn/PickleReader.hpp"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "nn/PickleClasses.hpp"
#include "nn/PickleOpcode.hpp"

namespace aocq::nn {
namespace {

constexpr std::size_t most_values = std::size_t{1} << 20;
constexpr std::size_t longest_name = 256;  // of a module or class

class Machine {
  public:
    explicit Machine(std::span<const std::byte> bytes) : bytes_(bytes) {}

    PickleDocument run() {
        try {
            while (!stopped_) {
                start_ = position_;
                step(static_cast<PickleOpcode>(number<std::uint8_t>()));
            }
            if (stack_.size() != 1 || !marks_.empty())
                throw damaged_pickle("something is left on the stack at its end");
        } catch (Error& error) {
            error.at("byte", std::to_string(start_));
            throw;
        }
        document_.root = stack_.front();
        return std::move(document_);
    }

  private:
    void step(PickleOpcode opcode) {
        switch (opcode) {
            case PickleOpcode::protocol: {
                const auto version = number<std::uint8_t>();
                if (version < 2 || version > 5) throw damaged_pickle("an unknown pickle protocol");
                return;
            }
            case PickleOpcode::frame:
                number<std::uint64_t>();
                return;
            case PickleOpcode::stop:
                stopped_ = true;
                return;
            case PickleOpcode::mark:
                marks_.push_back(stack_.size());
                return;
            case PickleOpcode::none:
                return push(PickleNone{});
            case PickleOpcode::new_true:
                return push(true);
            case PickleOpcode::new_false:
                return push(false);
            case PickleOpcode::int1:
                return push(std::int64_t{number<std::uint8_t>()});
            case PickleOpcode::int2:
                return push(std::int64_t{number<std::uint16_t>()});
            case PickleOpcode::int4:
                return push(std::int64_t{number<std::int32_t>()});
            case PickleOpcode::long1:
                return push_long(number<std::uint8_t>());
            case PickleOpcode::float8:
                return push(std::bit_cast<double>(__builtin_bswap64(number<std::uint64_t>())));
            case PickleOpcode::short_string:
            case PickleOpcode::short_unicode:
                return push(text(number<std::uint8_t>()));
            case PickleOpcode::string:
            case PickleOpcode::unicode:
                return push(text(number<std::uint32_t>()));
            case PickleOpcode::short_bytes:
                return push_bytes(number<std::uint8_t>());
            case PickleOpcode::bytes:
                return push_bytes(number<std::uint32_t>());
            case PickleOpcode::empty_tuple:
                return push(PickleTuple{});
            case PickleOpcode::tuple1:
                return push(PickleTuple{pop(1)});
            case PickleOpcode::tuple2:
                return push(PickleTuple{pop(2)});
            case PickleOpcode::tuple3:
                return push(PickleTuple{pop(3)});
            case PickleOpcode::tuple:
                return push(PickleTuple{pop_to_mark()});
            case PickleOpcode::empty_list:
                return push(PickleList{});
            case PickleOpcode::append:
                return append(pop(1));
            case PickleOpcode::appends:
                return append(pop_to_mark());
            case PickleOpcode::empty_dict:
                return push(PickleDict{});
            case PickleOpcode::set_item:
                return set(pop(2));
            case PickleOpcode::set_items:
                return set(pop_to_mark());
            case PickleOpcode::get1:
                return get(number<std::uint8_t>());
            case PickleOpcode::get4:
                return get(number<std::uint32_t>());
            case PickleOpcode::put1:
                memo_[number<std::uint8_t>()] = top();
                return;
            case PickleOpcode::put4:
                memo_[number<std::uint32_t>()] = top();
                return;
            case PickleOpcode::memoize:
                memo_[static_cast<std::uint32_t>(memo_.size())] = top();
                return;
            case PickleOpcode::global: {
                const std::string module = line();
                return push(find_pickle_class(module, line()));
            }
            case PickleOpcode::stack_global:
                return push_stack_global(pop(2));
            case PickleOpcode::persistent_id:
                return push(persistent_storage(document_, pop(1).front()));
            case PickleOpcode::reduce:
            case PickleOpcode::new_object:
                return call(pop(2));
            case PickleOpcode::build:
                return build();
        }
        throw Error::input("a PyTorch file holds more than tensors and plain values")
            .because(fmt::format("pickle opcode 0x{:02x} is not on the list of safe ones",
                                 static_cast<unsigned>(opcode)))
            .advise("save the tensors alone: torch.save(model.state_dict(), FILE)");
    }

    // --- what follows an opcode

    std::span<const std::byte> take(std::size_t count) {
        if (count > bytes_.size() - position_) throw damaged_pickle("the pickle ends too early");
        const auto part = bytes_.subspan(position_, count);
        position_ += count;
        return part;
    }
    template <class T>
    T number() {  // little-endian
        T value;
        std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
        return value;
    }
    std::string text(std::size_t count) {
        const auto part = take(count);
        return {reinterpret_cast<const char*>(part.data()), part.size()};
    }
    std::string line() {
        std::string all;
        for (;;) {
            const char c = static_cast<char>(number<std::uint8_t>());
            if (c == '\n') return all;
            if (all.size() == longest_name) throw damaged_pickle("a class has an endless name");
            all += c;
        }
    }

    // --- the stack

    void push(PickleValue value) {
        if (document_.values.size() == most_values)
            throw damaged_pickle("more values than any checkpoint has");
        stack_.push_back(static_cast<ValueRef>(document_.values.size()));
        document_.values.push_back(std::move(value));
    }
    // The values above the last mark; an operation does not reach below it.
    std::size_t available() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }
    ValueRef top() const {
        if (available() == 0) throw damaged_pickle("a value is missing on the stack");
        return stack_.back();
    }
    std::vector<ValueRef> pop(std::size_t count) {
        if (available() < count) throw damaged_pickle("a value is missing on the stack");
        const std::vector<ValueRef> popped(stack_.end() - static_cast<std::ptrdiff_t>(count),
                                           stack_.end());
        stack_.resize(stack_.size() - count);
        return popped;
    }
    std::vector<ValueRef> pop_to_mark() {
        if (marks_.empty()) throw damaged_pickle("a mark is missing on the stack");
        std::vector<ValueRef> popped = pop(available());
        marks_.pop_back();
        return popped;
    }
    template <class T>
    T& changing(const char* what) {
        T* value = std::get_if<T>(&document_.values[top()]);
        if (!value) throw damaged_pickle(std::string("what is filled is no ") + what);
        return *value;
    }

    // --- operations

    void push_long(std::size_t count) {
        const auto part = take(count);
        if (count > sizeof(std::int64_t)) return push(PickleOpaque{});  // a random state's seed
        std::uint64_t value = 0;
        if (count > 0) {
            std::memcpy(&value, part.data(), count);
            const bool negative = std::to_integer<unsigned>(part.back()) >= 0x80;
            if (negative && count < sizeof value) value |= ~std::uint64_t{0} << (8 * count);
        }
        push(static_cast<std::int64_t>(value));
    }
    void push_bytes(std::size_t count) {
        take(count);
        push(PickleOpaque{});
    }
    void append(const std::vector<ValueRef>& items) {
        auto& list = changing<PickleList>("list").items;
        list.insert(list.end(), items.begin(), items.end());
    }
    void set(const std::vector<ValueRef>& items) {
        if (items.size() % 2 != 0) throw damaged_pickle("a key has no value");
        auto& entries = changing<PickleDict>("dictionary").entries;
        for (std::size_t i = 0; i < items.size(); i += 2)
            entries.emplace_back(items[i], items[i + 1]);
    }
    void get(std::uint32_t index) {
        const auto found = memo_.find(index);
        if (found == memo_.end()) throw damaged_pickle("a value is used before it was made");
        stack_.push_back(found->second);
    }
    void push_stack_global(const std::vector<ValueRef>& names) {
        const auto* module = document_.get<std::string>(names[0]);
        const auto* name = document_.get<std::string>(names[1]);
        if (!module || !name || module->size() > longest_name || name->size() > longest_name)
            throw damaged_pickle("a class has no name");
        push(find_pickle_class(*module, *name));
    }
    void call(const std::vector<ValueRef>& parts) {
        const auto* global = document_.get<PickleGlobal>(parts[0]);
        const auto* arguments = document_.get<PickleTuple>(parts[1]);
        if (!global || !arguments) throw damaged_pickle("what is called is no class");
        push(call_pickle_class(document_, *global, *arguments));
    }
    // The state of an object: attributes of an OrderedDict (a state_dict's versions) or of
    // something opaque, of no use here.
    void build() {
        pop(1);
        const PickleValue& object = document_.values[top()];
        if (!std::holds_alternative<PickleDict>(object) &&
            !std::holds_alternative<PickleOpaque>(object)) {
            throw damaged_pickle("a plain value is given a state");
        }
    }

    std::span<const std::byte> bytes_;
    std::size_t position_ = 0, start_ = 0;
    bool stopped_ = false;
    PickleDocument document_;
    std::vector<ValueRef> stack_;
    std::vector<std::size_t> marks_;  // sizes of the stack
    std::unordered_map<std::uint32_t, ValueRef> memo_;
};

}  // namespace

PickleDocument read_pickle(std::span<const std::byte> bytes) {
    return Machine(bytes).run();
}

}  // namespace aocq::nn
