// AMQP field tables and JSON.
//
//   table      = size:u32 *( key:shortstr value )          AMQP 0-9-1, 4.2.5.5
//   value      = kind:octet data
//
//   kind          meaning                  read as            written for
//   t             boolean                  true, false        true, false
//   b B s u I i   integers of 8 to 32 bit  integer            I: integers of 32 bit
//   l L           signed 64 bit            integer            L: wider integers
//   f d           real                     real               d: reals
//   D             decimal                  typed "decimal"    typed "decimal"
//   S x           bytes                    string             S: strings
//   A F           array, table             array, object      arrays, objects
//   T             POSIX seconds            typed "datetime"   typed "datetime"
//   V             void                     null               null
//
// The letters are RabbitMQ's. `L` is signed, as py-amqp reads and writes it. Typed values are
// kombu's
// `{"__type__": …, "__value__": …}`. An integer beyond 64 bits is written as the
// string of its digits.
#pragma once

#include <celeriac/json.h>

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "worker/broker/amqp/rabbitmq.h"

namespace celeriac::worker::amqp {

struct TableLimits {
  std::size_t max_depth = 64;       // of tables and arrays
  std::size_t max_values = 100000;  // in all
};

// An owning copy of the table; empty when it exceeds the limits. The last of equal
// keys wins.
std::optional<JsonObject> decode_table(const amqp_table_t& table, TableLimits limits = {});

// A table that rabbitmq-c can send. Borrows the strings of the object it was made
// from, which must outlive it.
class TableView {
 public:
  // Throws Error naming the key when a key is longer than 255 bytes or the nesting
  // exceeds the limits.
  explicit TableView(const JsonObject& object, TableLimits limits = {});
  TableView(const TableView&) = delete;
  TableView& operator=(const TableView&) = delete;

  const amqp_table_t& get() const { return table_; }
  // Bytes on the wire, with the leading size.
  std::size_t encoded_size() const { return encoded_size_; }

 private:
  amqp_table_t make_table(const JsonObject& object, std::size_t depth);
  amqp_array_t make_array(const Json::Array& array, std::size_t depth);
  amqp_field_value_t make_value(const Json& value, std::size_t depth);
  std::optional<amqp_field_value_t> make_typed_value(const JsonObject& object);

  TableLimits limits_;
  std::deque<std::vector<amqp_table_entry_t>> tables_;
  std::deque<std::vector<amqp_field_value_t>> arrays_;
  std::deque<std::string> strings_;
  amqp_table_t table_{};
  std::size_t encoded_size_ = 0;
};

}  // namespace celeriac::worker::amqp
