#include "protocol/serialization/msgpack.h"

#include <celeriac/error.h>
#include <celeriac/typed_json.h>

#include <bit>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <limits>

#include "protocol/json/utf8.h"

namespace celeriac::protocol {
namespace {

constexpr std::size_t kMaxDepth = 512;

[[noreturn]] void throw_not_msgpack(std::size_t offset, const std::string& why) {
  throw MessageError(MessageError::Kind::undecodable,
                     "not msgpack, at byte " + std::to_string(offset) + ": " + why);
}

class Reader {
 public:
  explicit Reader(std::string_view body) : body_(body) {}

  Json read_document() {
    Json value = read_value(0);
    if (at_ != body_.size()) throw_not_msgpack(at_, "bytes after the value");
    return value;
  }

 private:
  Json read_value(std::size_t depth) {
    if (depth > kMaxDepth) {
      throw_not_msgpack(at_, "arrays and maps nested deeper than " + std::to_string(kMaxDepth));
    }
    const auto head = static_cast<std::uint8_t>(take(1)[0]);
    if (head <= 0x7F) return head;
    if (head <= 0x8F) return read_map(head & 0x0Fu, depth);
    if (head <= 0x9F) return read_array(head & 0x0Fu, depth);
    if (head <= 0xBF) return read_text(head & 0x1Fu);
    if (head >= 0xE0) return static_cast<std::int8_t>(head);
    switch (head) {
      case 0xC0:
        return nullptr;
      case 0xC2:
        return false;
      case 0xC3:
        return true;
      case 0xC4:
        return read_bytes(read_unsigned<std::uint8_t>());
      case 0xC5:
        return read_bytes(read_unsigned<std::uint16_t>());
      case 0xC6:
        return read_bytes(read_unsigned<std::uint32_t>());
      case 0xC7:
        return read_extension(read_unsigned<std::uint8_t>());
      case 0xC8:
        return read_extension(read_unsigned<std::uint16_t>());
      case 0xC9:
        return read_extension(read_unsigned<std::uint32_t>());
      case 0xCA:
        return std::bit_cast<float>(read_unsigned<std::uint32_t>());
      case 0xCB:
        return std::bit_cast<double>(read_unsigned<std::uint64_t>());
      case 0xCC:
        return read_unsigned<std::uint8_t>();
      case 0xCD:
        return read_unsigned<std::uint16_t>();
      case 0xCE:
        return read_unsigned<std::uint32_t>();
      case 0xCF:
        return read_unsigned<std::uint64_t>();
      case 0xD0:
        return static_cast<std::int8_t>(read_unsigned<std::uint8_t>());
      case 0xD1:
        return static_cast<std::int16_t>(read_unsigned<std::uint16_t>());
      case 0xD2:
        return static_cast<std::int32_t>(read_unsigned<std::uint32_t>());
      case 0xD3:
        return static_cast<std::int64_t>(read_unsigned<std::uint64_t>());
      case 0xD4:
        return read_extension(1);
      case 0xD5:
        return read_extension(2);
      case 0xD6:
        return read_extension(4);
      case 0xD7:
        return read_extension(8);
      case 0xD8:
        return read_extension(16);
      case 0xD9:
        return read_text(read_unsigned<std::uint8_t>());
      case 0xDA:
        return read_text(read_unsigned<std::uint16_t>());
      case 0xDB:
        return read_text(read_unsigned<std::uint32_t>());
      case 0xDC:
        return read_array(read_unsigned<std::uint16_t>(), depth);
      case 0xDD:
        return read_array(read_unsigned<std::uint32_t>(), depth);
      case 0xDE:
        return read_map(read_unsigned<std::uint16_t>(), depth);
      case 0xDF:
        return read_map(read_unsigned<std::uint32_t>(), depth);
      default:
        throw_not_msgpack(at_ - 1, "the byte c1 starts no value");
    }
  }

  // An element takes at least one byte, so a count beyond the rest is refused
  // before anything is allocated for it.
  Json read_array(std::size_t count, std::size_t depth) {
    if (count > body_.size() - at_) throw_not_msgpack(at_, "the array is cut off");
    Json::Array items;
    items.reserve(count);
    for (std::size_t i = 0; i < count; ++i) items.push_back(read_value(depth + 1));
    return items;
  }

  Json read_map(std::size_t count, std::size_t depth) {
    if (count > (body_.size() - at_) / 2) throw_not_msgpack(at_, "the map is cut off");
    std::vector<JsonObject::Member> members;
    members.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t offset = at_;
      Json key = read_value(depth + 1);
      if (!key.is_string()) throw_not_msgpack(offset, "the key of a map is not a text");
      members.emplace_back(*key.as_string(), read_value(depth + 1));
    }
    return JsonObject::last_of_equal_keys(std::move(members));
  }

  Json read_text(std::size_t size) {
    const std::size_t offset = at_;
    const std::string_view text = take(size);
    if (const auto invalid = find_invalid_utf8(text)) {
      throw_not_msgpack(offset + *invalid, "invalid UTF-8");
    }
    return text;
  }

  Json read_bytes(std::size_t size) { return bytes_to_json(take(size)); }

  // The timestamp: 32-bit seconds; 30-bit nanoseconds and 34-bit seconds; or
  // 32-bit nanoseconds and 64-bit seconds.
  Json read_extension(std::size_t size) {
    const std::size_t offset = at_;
    const auto type = static_cast<std::int8_t>(take(1)[0]);
    if (type != -1) {
      throw_not_msgpack(offset, "extension type " + std::to_string(type) + " has no meaning here");
    }
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
    if (size == 4) {
      seconds = read_unsigned<std::uint32_t>();
    } else if (size == 8) {
      const auto both = read_unsigned<std::uint64_t>();
      nanoseconds = static_cast<std::uint32_t>(both >> 34);
      seconds = static_cast<std::int64_t>(both & 0x3FFFFFFFF);
    } else if (size == 12) {
      nanoseconds = read_unsigned<std::uint32_t>();
      seconds = static_cast<std::int64_t>(read_unsigned<std::uint64_t>());
    } else {
      throw_not_msgpack(offset, "a timestamp has 4, 8 or 12 bytes");
    }
    // Python's datetime ends with the year 9999 and starts with the year 1.
    if (seconds < -62135596800 || seconds > 253402300799 || nanoseconds > 999999999) {
      throw_not_msgpack(offset, "the timestamp is out of range");
    }
    return datetime_to_json(std::chrono::sys_time<std::chrono::microseconds>(
        std::chrono::seconds(seconds) + std::chrono::microseconds(nanoseconds / 1000)));
  }

  template <std::unsigned_integral T>
  T read_unsigned() {
    T value = 0;
    for (char c : take(sizeof(T))) {
      value =
          static_cast<T>((static_cast<std::uint64_t>(value) << 8) | static_cast<std::uint8_t>(c));
    }
    return value;
  }

  std::string_view take(std::size_t size) {
    if (size > body_.size() - at_) throw_not_msgpack(at_, "the body is cut off");
    const std::string_view taken = body_.substr(at_, size);
    at_ += size;
    return taken;
  }

  std::string_view body_;
  std::size_t at_ = 0;
};

class Writer {
 public:
  void write(const Json& value) {
    switch (value.kind()) {
      case Json::Kind::null:
        put(0xC0);
        break;
      case Json::Kind::boolean:
        put(*value.as_bool() ? 0xC3 : 0xC2);
        break;
      case Json::Kind::integer:
        write_integer(*value.as_int());
        break;
      case Json::Kind::big_integer:
        write_big_integer(*value.as_big_integer());
        break;
      case Json::Kind::real:
        put(0xCB);
        put_big_endian(std::bit_cast<std::uint64_t>(*value.as_double()));
        break;
      case Json::Kind::string:
        write_text(*value.as_string());
        break;
      case Json::Kind::array:
        write_size(value.as_array()->size(), {0x90, 15, 0, 0xDC, 0xDD});
        for (const Json& item : *value.as_array()) write(item);
        break;
      case Json::Kind::object:
        write_object(value);
        break;
    }
  }

  std::string take() { return std::move(out_); }

 private:
  // The heads of one kind: the shortest with the size in its low bits, then with
  // a size of 8 bits (0: there is none), 16 and 32 bits.
  struct Heads {
    std::uint8_t fixed, fixed_limit, size8, size16, size32;
  };

  void write_object(const Json& value) {
    if (const auto bytes = bytes_from_json(value)) {
      write_size(bytes->size(), {0, 0, 0xC4, 0xC5, 0xC6});
      out_ += *bytes;
      return;
    }
    write_size(value.as_object()->size(), {0x80, 15, 0, 0xDE, 0xDF});
    for (const auto& [key, member] : *value.as_object()) {
      write_text(key);
      write(member);
    }
  }

  void write_text(const std::string& text) {
    if (const auto invalid = find_invalid_utf8(text)) {
      throw EncodeError("cannot write a text as msgpack: invalid UTF-8 at byte " +
                        std::to_string(*invalid));
    }
    write_size(text.size(), {0xA0, 31, 0xD9, 0xDA, 0xDB});
    out_ += text;
  }

  void write_size(std::size_t size, Heads heads) {
    if (heads.fixed != 0 && size <= heads.fixed_limit) {
      put(heads.fixed | static_cast<unsigned>(size));
    } else if (heads.size8 != 0 && size <= std::numeric_limits<std::uint8_t>::max()) {
      put(heads.size8);
      put_big_endian(static_cast<std::uint8_t>(size));
    } else if (size <= std::numeric_limits<std::uint16_t>::max()) {
      put(heads.size16);
      put_big_endian(static_cast<std::uint16_t>(size));
    } else if (size <= std::numeric_limits<std::uint32_t>::max()) {
      put(heads.size32);
      put_big_endian(static_cast<std::uint32_t>(size));
    } else {
      throw EncodeError("cannot write as msgpack: more than 4294967295 bytes or elements");
    }
  }

  void write_integer(std::int64_t value) {
    if (value >= 0) {
      write_unsigned(static_cast<std::uint64_t>(value));
    } else if (value >= -32) {
      put(static_cast<std::uint8_t>(value));
    } else if (value >= std::numeric_limits<std::int8_t>::min()) {
      put(0xD0);
      put_big_endian(static_cast<std::uint8_t>(value));
    } else if (value >= std::numeric_limits<std::int16_t>::min()) {
      put(0xD1);
      put_big_endian(static_cast<std::uint16_t>(value));
    } else if (value >= std::numeric_limits<std::int32_t>::min()) {
      put(0xD2);
      put_big_endian(static_cast<std::uint32_t>(value));
    } else {
      put(0xD3);
      put_big_endian(static_cast<std::uint64_t>(value));
    }
  }

  void write_unsigned(std::uint64_t value) {
    if (value <= 0x7F) {
      put(static_cast<unsigned>(value));
    } else if (value <= std::numeric_limits<std::uint8_t>::max()) {
      put(0xCC);
      put_big_endian(static_cast<std::uint8_t>(value));
    } else if (value <= std::numeric_limits<std::uint16_t>::max()) {
      put(0xCD);
      put_big_endian(static_cast<std::uint16_t>(value));
    } else if (value <= std::numeric_limits<std::uint32_t>::max()) {
      put(0xCE);
      put_big_endian(static_cast<std::uint32_t>(value));
    } else {
      put(0xCF);
      put_big_endian(value);
    }
  }

  void write_big_integer(const BigInteger& big) {
    std::uint64_t value = 0;
    const char* end = big.digits.data() + big.digits.size();
    const auto result = std::from_chars(big.digits.data(), end, value);
    if (result.ec != std::errc() || result.ptr != end) {
      throw EncodeError("cannot write " + big.digits + " as msgpack: it exceeds 64 bits");
    }
    write_unsigned(value);
  }

  void put(unsigned byte) { out_ += static_cast<char>(byte); }

  template <std::unsigned_integral T>
  void put_big_endian(T value) {
    for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
      put(static_cast<std::uint8_t>(value >> shift));
    }
  }

  std::string out_;
};

}  // namespace

Json parse_msgpack(std::string_view body) {
  return Reader(body).read_document();
}

std::string dump_msgpack(const Json& value) {
  Writer writer;
  writer.write(value);
  return writer.take();
}

}  // namespace celeriac::protocol
