// Texts with places for fields: "{host}: {usage:.1f} %". `{{` and `}}` are the braces themselves.
#pragma once

#include <celeriac/json.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/alerts/parsed.h"

namespace celeriac::alerts {

class Template {
 public:
  using Fields = std::function<std::optional<Json>(std::string_view name)>;
  struct Rendered {
    std::string text;                  // a missing field reads "?"
    std::vector<std::string> missing;  // their names
  };

  Template() = default;  // the empty text

  static Parsed<Template> parse(std::string_view text);

  Rendered render(const Fields& fields) const;
  std::vector<std::string> field_names() const;
  bool empty() const { return pieces_.empty(); }

  bool operator==(const Template&) const = default;

 private:
  struct Piece {
    std::string text;  // a literal, or a field's name
    bool is_field = false;
    std::optional<int> decimals{};  // of `{name:.2f}`
    bool operator==(const Piece&) const = default;
  };
  std::vector<Piece> pieces_;
};

}  // namespace celeriac::alerts
