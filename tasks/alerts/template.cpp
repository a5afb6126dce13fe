#include "tasks/alerts/template.h"

#include <array>
#include <charconv>

#include "tasks/alerts/row.h"

namespace celeriac::alerts {
namespace {

bool is_field_name(std::string_view name) {
  if (name.empty()) return false;
  return name.find_first_of("{}:!\n") == std::string_view::npos;
}

// ".2f" → 2.
std::optional<int> parse_decimals(std::string_view format) {
  if (format.size() != 3 || format[0] != '.' || format[2] != 'f') return std::nullopt;
  if (format[1] < '0' || format[1] > '9') return std::nullopt;
  return format[1] - '0';
}

std::string with_decimals(const Json& cell, int decimals) {
  const auto number = cell.as_double();
  if (!number || cell.is_bool()) return cell_text(cell);
  std::array<char, 400> buffer;  // the largest double has 309 digits
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), *number,
                                    std::chars_format::fixed, decimals);
  return {buffer.data(), result.ptr};
}

}  // namespace

Parsed<Template> Template::parse(std::string_view text) {
  Template result;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) result.pieces_.push_back({std::exchange(literal, {})});
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '{' && c != '}') {
      literal += c;
      continue;
    }
    if (i + 1 < text.size() && text[i + 1] == c) {
      literal += c;
      ++i;
      continue;
    }
    if (c == '}') return Mistake{"a } without its {; write }} for the brace itself"};
    const auto end = text.find('}', i);
    if (end == std::string_view::npos) {
      return Mistake{"a { without its }; write {{ for the brace itself"};
    }
    const auto inside = text.substr(i + 1, end - i - 1);
    const auto colon = inside.find(':');
    Piece piece{std::string(inside.substr(0, colon)), true};
    if (!is_field_name(piece.text)) {
      return Mistake{"{" + std::string(inside) + "}, which names no field; write it like {host}"};
    }
    if (colon != std::string_view::npos) {
      piece.decimals = parse_decimals(inside.substr(colon + 1));
      if (!piece.decimals) {
        return Mistake{"{" + std::string(inside) +
                       "}, whose format is not known; write decimals like {usage:.1f}"};
      }
    }
    flush();
    result.pieces_.push_back(std::move(piece));
    i = end;
  }
  flush();
  return result;
}

Template::Rendered Template::render(const Fields& fields) const {
  Rendered rendered;
  for (const auto& piece : pieces_) {
    if (!piece.is_field) {
      rendered.text += piece.text;
      continue;
    }
    const auto cell = fields(piece.text);
    if (!cell) {
      rendered.text += "?";
      rendered.missing.push_back(piece.text);
    } else {
      rendered.text += piece.decimals ? with_decimals(*cell, *piece.decimals) : cell_text(*cell);
    }
  }
  return rendered;
}

std::vector<std::string> Template::field_names() const {
  std::vector<std::string> names;
  for (const auto& piece : pieces_) {
    if (piece.is_field) names.push_back(piece.text);
  }
  return names;
}

}  // namespace celeriac::alerts
