// How one field of the settings is read, checked and shown. Each function makes an
// entry of the table; `field` finds the field in const and in mutable settings alike.
#pragma once

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "protocol/url/url.h"
#include "worker/config/settings.h"

namespace celeriac::worker::bind {

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
struct Inner {
  using type = T;
};
template <class T>
struct Inner<std::optional<T>> {
  using type = T;
};

template <class Field>
using FieldType = std::remove_cvref_t<std::invoke_result_t<Field, Settings&>>;

// An explicit null unsets what may be unset.
template <class T>
void unset_if_null(T& field, const ConfigValueView& value) {
  if constexpr (IsOptional<T>::value) {
    if (value.written() && !value.present()) field.reset();
  }
}

inline Setting entry(std::string name, std::string type, std::string meaning) {
  Setting setting;
  setting.name = std::move(name);
  setting.type = std::move(type);
  setting.meaning = std::move(meaning);
  return setting;
}

template <class Field>
Setting flag(std::string name, Field field, std::string meaning) {
  Setting setting = entry(std::move(name), "true or false", std::move(meaning));
  setting.read = [field](Settings& settings, const ConfigValueView& value) {
    unset_if_null(field(settings), value);
    if (const auto read = value.flag()) field(settings) = *read;
  };
  setting.show = [field](const Settings& settings) { return Json(field(settings)); };
  return setting;
}

template <class Field>
Setting text(std::string name, Field field, std::string meaning) {
  Setting setting = entry(std::move(name), "text", std::move(meaning));
  setting.read = [field](Settings& settings, const ConfigValueView& value) {
    if constexpr (IsOptional<FieldType<Field>>::value) {
      unset_if_null(field(settings), value);
    } else if (value.written() && !value.present()) {
      field(settings).clear();
    }
    if (auto read = value.text()) field(settings) = std::move(*read);
  };
  setting.show = [field](const Settings& settings) {
    if constexpr (!IsOptional<FieldType<Field>>::value) {
      if (field(settings).empty()) return Json();
    }
    return Json(field(settings));
  };
  return setting;
}

template <class Field>
Setting whole(std::string name, Field field, std::int64_t least, std::int64_t most,
              std::string meaning) {
  using Number = typename Inner<FieldType<Field>>::type;
  std::string type = "whole number from " + std::to_string(least);
  if (most != std::numeric_limits<std::int64_t>::max()) type += " to " + std::to_string(most);
  Setting setting = entry(std::move(name), std::move(type), std::move(meaning));
  setting.read = [field, least, most](Settings& settings, const ConfigValueView& value) {
    unset_if_null(field(settings), value);
    if (const auto read = value.integer(least, most)) {
      field(settings) = static_cast<Number>(*read);
    }
  };
  setting.show = [field](const Settings& settings) { return Json(field(settings)); };
  return setting;
}

template <class Field>
Setting size(std::string name, Field field, std::string meaning) {
  Setting setting =
      entry(std::move(name), "size in bytes, as 4096, 64k or 12MB", std::move(meaning));
  setting.read = [field](Settings& settings, const ConfigValueView& value) {
    if (const auto read = value.size()) field(settings) = static_cast<std::size_t>(*read);
  };
  setting.show = [field](const Settings& settings) { return Json(field(settings)); };
  return setting;
}

template <class Duration>
Json shown_seconds(Duration duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  const auto whole = static_cast<std::int64_t>(seconds);
  if (static_cast<double>(whole) == seconds) return Json(whole);
  return Json(seconds);
}

template <class Field>
Setting seconds(std::string name, Field field, std::string meaning) {
  using Duration = typename Inner<FieldType<Field>>::type;
  Setting setting = entry(std::move(name), "seconds, or as 30s, 5m, 2h", std::move(meaning));
  setting.read = [field](Settings& settings, const ConfigValueView& value) {
    unset_if_null(field(settings), value);
    if (const auto read = value.duration()) {
      const Duration duration = std::chrono::duration_cast<Duration>(*read);
      if (std::chrono::duration_cast<std::chrono::milliseconds>(duration) != *read) {
        value.mistake(value.name() + " must be whole seconds");
      }
      field(settings) = duration;
    }
  };
  setting.show = [field](const Settings& settings) {
    if constexpr (IsOptional<FieldType<Field>>::value) {
      return field(settings) ? shown_seconds(*field(settings)) : Json();
    } else {
      return shown_seconds(field(settings));
    }
  };
  return setting;
}

template <class Field>
Setting choice(std::string name, Field field,
               std::vector<std::pair<std::string, FieldType<Field>>> choices, std::string meaning) {
  std::string type;
  for (const auto& [word, unused] : choices) type += (type.empty() ? "" : ", ") + word;
  Setting setting = entry(std::move(name), "one of " + type, std::move(meaning));
  setting.read = [field, choices](Settings& settings, const ConfigValueView& value) {
    if (const auto read = value.one_of(choices)) field(settings) = *read;
  };
  setting.show = [field, choices](const Settings& settings) {
    for (const auto& [word, value] : choices) {
      if (value == field(settings)) return Json(word);
    }
    return Json();
  };
  return setting;
}

// A list of words; a single text is split at `separator`.
template <class Field>
Setting words(std::string name, Field field, char separator, std::string meaning) {
  Setting setting =
      entry(std::move(name), std::string("list, or a text split at '") + separator + "'",
            std::move(meaning));
  setting.read = [field, separator](Settings& settings, const ConfigValueView& value) {
    if (!value.written()) return;
    std::vector<std::string> result;
    for (const std::string& part : value.texts()) {
      std::size_t from = 0;
      while (from <= part.size()) {
        const std::size_t end = std::min(part.find(separator, from), part.size());
        std::string word = part.substr(from, end - from);
        const std::size_t first = word.find_first_not_of(" \t");
        const std::size_t last = word.find_last_not_of(" \t");
        if (first != std::string::npos) result.push_back(word.substr(first, last - first + 1));
        from = end + 1;
      }
    }
    field(settings) = std::move(result);
  };
  setting.show = [field](const Settings& settings) {
    Json::Array array;
    for (const std::string& word : field(settings)) array.push_back(word);
    return Json(std::move(array));
  };
  return setting;
}

// What is wrong with an address, without its password, or nothing.
std::optional<std::string> url_mistake(const std::string& url);

inline void check_url(const std::string& url, const ConfigValueView& value) {
  if (auto mistake = url_mistake(url)) value.mistake(value.name() + ": " + *mistake);
}

// Addresses that may hold a password, as a failover list.
template <class Field>
Setting urls(std::string name, Field field, std::string meaning) {
  Setting setting = words(std::move(name), field, ';', std::move(meaning));
  setting.type = "address, or several joined by ';' or as a list";
  setting.secret = true;
  const auto read = setting.read;
  setting.read = [field, read](Settings& settings, const ConfigValueView& value) {
    read(settings, value);
    if (!value.written()) return;
    for (const std::string& url : field(settings)) check_url(url, value);
  };
  setting.show = [field](const Settings& settings) {
    if (field(settings).empty()) return Json();
    std::string all;
    for (const std::string& url : field(settings)) {
      all += (all.empty() ? "" : ";") + protocol::display_url(url);
    }
    return Json(std::move(all));
  };
  return setting;
}

}  // namespace celeriac::worker::bind
