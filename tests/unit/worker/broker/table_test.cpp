#include "worker/broker/amqp/table.h"

#include <celeriac/error.h>
#include <gtest/gtest.h>

#include <random>

namespace celeriac::worker::amqp {
namespace {

// rabbitmq-c reads these bytes, as it would from a frame.
class Bytes {
 public:
  explicit Bytes(std::string bytes) : bytes_(std::move(bytes)) { init_amqp_pool(&pool_, 4096); }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() { empty_amqp_pool(&pool_); }

  // Empty if rabbitmq-c refuses them.
  std::optional<amqp_table_t> table() {
    amqp_table_t table{};
    std::size_t offset = 0;
    const int status = amqp_decode_table(bytes_view(bytes_), &pool_, &table, &offset);
    if (status != AMQP_STATUS_OK) return std::nullopt;
    return table;
  }

 private:
  std::string bytes_;
  amqp_pool_t pool_;
};

std::string number(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string table_bytes(const std::string& entries) {
  return number(entries.size(), 4) + entries;
}

std::string entry(const std::string& key, char kind, const std::string& data) {
  return static_cast<char>(key.size()) + key + kind + data;
}

Json decoded(char kind, const std::string& data) {
  Bytes bytes(table_bytes(entry("k", kind, data)));
  const auto table = bytes.table();
  if (!table) return Json("refused by rabbitmq-c");
  const auto object = decode_table(*table);
  return object ? (*object->find("k")) : Json("beyond the limits");
}

std::string encoded(const JsonObject& object) {
  const TableView view(object);
  std::string buffer(view.encoded_size(), '\0');
  std::size_t offset = 0;
  amqp_table_t table = view.get();
  EXPECT_EQ(amqp_encode_table(bytes_view(buffer), &table, &offset), AMQP_STATUS_OK);
  EXPECT_EQ(offset, view.encoded_size());
  return buffer;
}

TEST(Table, ReadsEveryKindOfField) {
  EXPECT_EQ(decoded('t', number(1, 1)), Json(true));
  EXPECT_EQ(decoded('b', number(0xff, 1)), Json(-1));
  EXPECT_EQ(decoded('B', number(0xff, 1)), Json(255));
  EXPECT_EQ(decoded('s', number(0xffff, 2)), Json(-1));
  EXPECT_EQ(decoded('u', number(0xffff, 2)), Json(65535));
  EXPECT_EQ(decoded('I', number(0xffffffff, 4)), Json(-1));
  EXPECT_EQ(decoded('i', number(0xffffffff, 4)), Json(4294967295));
  EXPECT_EQ(decoded('l', number(~std::uint64_t{0}, 8)), Json(-1));
  EXPECT_EQ(decoded('L', number(~std::uint64_t{0}, 8)), Json(-1));
  EXPECT_EQ(decoded('f', number(0x3fc00000, 4)), Json(1.5));
  EXPECT_EQ(decoded('d', number(0x3ff8000000000000, 8)), Json(1.5));
  EXPECT_EQ(decoded('S', number(3, 4) + "abc"), Json("abc"));
  EXPECT_EQ(decoded('x', number(2, 4) + std::string("\0\xff", 2)), Json(std::string("\0\xff", 2)));
  EXPECT_EQ(decoded('V', ""), Json());
  EXPECT_EQ(decoded('A', number(6, 4) + "I" + number(7, 4) + "V"), Json::array({Json(7), Json()}));
  EXPECT_EQ(decoded('F', table_bytes(entry("in", 't', number(0, 1)))),
            Json::object({{"in", Json(false)}}));
}

TEST(Table, ReadsTimestampsAndDecimalsAsKombuTypesThem) {
  EXPECT_EQ(decoded('T', number(1234567890, 8)),
            Json::object({{"__type__", Json("datetime")},
                          {"__value__", Json("2009-02-13T23:31:30+00:00")}}));
  EXPECT_EQ(decoded('D', number(2, 1) + number(314, 4)),
            Json::object({{"__type__", Json("decimal")}, {"__value__", Json("3.14")}}));
  EXPECT_EQ(decoded('D', number(3, 1) + number(static_cast<std::uint32_t>(-5), 4)),
            Json::object({{"__type__", Json("decimal")}, {"__value__", Json("-0.005")}}));
  // No datetime has this; the number is kept.
  EXPECT_TRUE(decoded('T', number(~std::uint64_t{0}, 8)).is_integer());
}

TEST(Table, TheLastOfEqualKeysWins) {
  Bytes bytes(table_bytes(entry("k", 'I', number(1, 4)) + entry("k", 'I', number(2, 4))));
  EXPECT_EQ(*decode_table(*bytes.table())->find("k"), Json(2));
}

TEST(Table, WritesWhatPyAmqpWrites) {
  EXPECT_EQ(encoded({{"k", Json("ab")}}), table_bytes(entry("k", 'S', number(2, 4) + "ab")));
  EXPECT_EQ(encoded({{"k", Json(3)}}), table_bytes(entry("k", 'I', number(3, 4))));
  EXPECT_EQ(encoded({{"k", Json(-2147483647)}}),
            table_bytes(entry("k", 'I', number(static_cast<std::uint32_t>(-2147483647), 4))));
  EXPECT_EQ(encoded({{"k", Json(2147483648)}}),
            table_bytes(entry("k", 'L', number(2147483648, 8))));
  EXPECT_EQ(encoded({{"k", Json(1.5)}}),
            table_bytes(entry("k", 'd', number(0x3ff8000000000000, 8))));
  EXPECT_EQ(encoded({{"k", Json(true)}}), table_bytes(entry("k", 't', number(1, 1))));
  EXPECT_EQ(encoded({{"k", Json()}}), table_bytes(entry("k", 'V', "")));
  EXPECT_EQ(
      encoded({{"k", Json::array({Json(1.5), Json()})}}),
      table_bytes(entry("k", 'A', number(10, 4) + "d" + number(0x3ff8000000000000, 8) + "V")));
  EXPECT_EQ(encoded({{"k", Json::object()}}), table_bytes(entry("k", 'F', number(0, 4))));
  EXPECT_EQ(encoded({{"k", Json(BigInteger{"123456789012345678901"})}}),
            table_bytes(entry("k", 'S', number(21, 4) + "123456789012345678901")));
}

TEST(Table, WritesTypedValuesAsTheirFields) {
  EXPECT_EQ(encoded({{"k", Json::object({{"__type__", Json("datetime")},
                                         {"__value__", Json("2009-02-13T23:31:30+00:00")}})}}),
            table_bytes(entry("k", 'T', number(1234567890, 8))));
  EXPECT_EQ(
      encoded(
          {{"k", Json::object({{"__type__", Json("decimal")}, {"__value__", Json("-0.005")}})}}),
      table_bytes(entry("k", 'D', number(3, 1) + number(static_cast<std::uint32_t>(-5), 4))));
  // Not a number that AMQP's decimal holds: it stays a table.
  const JsonObject other = {
      {"k", Json::object({{"__type__", Json("decimal")}, {"__value__", Json("1e400")}})}};
  Bytes bytes(encoded(other));
  EXPECT_EQ(decode_table(*bytes.table()), other);
}

TEST(Table, RefusesWhatItCannotWrite) {
  EXPECT_THROW(TableView({{std::string(256, 'k'), Json(1)}}), Error);
  Json nested;
  for (int i = 0; i < 100; ++i) nested = Json::array({nested});
  EXPECT_THROW(TableView({{"k", nested}}), Error);
}

TEST(Table, IsBoundedInDepthAndSize) {
  std::string nested;
  for (int i = 0; i < 100; ++i) nested = entry("k", 'F', table_bytes(nested));
  Bytes deep(table_bytes(nested));
  EXPECT_FALSE(decode_table(*deep.table()));
  EXPECT_TRUE(decode_table(*deep.table(), {.max_depth = 101}));

  std::string many;
  for (int i = 0; i < 100; ++i) many += entry("k", 'V', "");
  Bytes wide(table_bytes(many));
  EXPECT_FALSE(decode_table(*wide.table(), {.max_values = 99}));
  EXPECT_TRUE(decode_table(*wide.table(), {.max_values = 100}));
}

Json random_json(std::mt19937_64& random, int depth) {
  switch (random() % (depth > 0 ? 8 : 6)) {
    case 0:
      return Json();
    case 1:
      return Json(random() % 2 == 0);
    case 2:
      return Json(static_cast<std::int64_t>(random()));
    case 3:
      return Json(static_cast<std::int64_t>(random() % 1000) - 500);
    case 4:
      return Json(static_cast<double>(random() % 1000) / 8);
    case 5:
      return Json(std::string(random() % 40, 'x'));
    case 6: {
      Json::Array items;
      for (auto i = random() % 4; i > 0; --i) items.push_back(random_json(random, depth - 1));
      return Json(std::move(items));
    }
    default: {
      JsonObject object;
      for (auto i = random() % 4; i > 0; --i) {
        object.set("key" + std::to_string(i), random_json(random, depth - 1));
      }
      return Json(std::move(object));
    }
  }
}

TEST(Table, ReadsBackWhatItWrote) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    const JsonObject object = {{"k", random_json(random, 5)}};
    Bytes bytes(encoded(object));
    ASSERT_EQ(decode_table(*bytes.table()), object);
  }
}

TEST(Table, TakesAnyBytesThatRabbitmqCTakes) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 5000; ++i) {
    std::string bytes = encoded({{"k", random_json(random, 4)}});
    for (auto changes = 1 + random() % 4; changes > 0; --changes) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    bytes.resize(random() % (bytes.size() + 1));
    Bytes mutated(bytes);
    if (const auto table = mutated.table()) {
      if (const auto object = decode_table(*table)) encoded(*object);
    }
  }
}

}  // namespace
}  // namespace celeriac::worker::amqp
